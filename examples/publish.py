"""
For developers of a CMS: store an article when it is published, and print its list.

    ALSOSEE_KEY=… python examples/publish.py article.json

The key needs the scope `ingest`: `alsosee keys create --site main --scope ingest`. The article is a
JSON object with at least `id` and `title`. Only Python's standard library is needed.
"""

import json
import os
import sys
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

SERVICE = os.environ.get("ALSOSEE_URL", "http://127.0.0.1:8000")
SITE = os.environ.get("ALSOSEE_SITE", "main")
TIMEOUT_SECONDS = 10

article = json.loads(Path(sys.argv[1]).read_text())
address = f"{SERVICE}/v1/{SITE}/articles/{quote(article['id'], safe='')}"

request = Request(address, json.dumps(article).encode(), method="PUT")
request.add_header("Authorization", f"Bearer {os.environ['ALSOSEE_KEY']}")
request.add_header("Content-Type", "application/json")
with urlopen(request, timeout=TIMEOUT_SECONDS) as response:
    stored = json.load(response)
for warning in stored.get("warnings", []):
    print(f"left out: {warning['pointer']} {warning['detail']}", file=sys.stderr)

with urlopen(f"{address}/related?limit=5", timeout=TIMEOUT_SECONDS) as response:
    for item in json.load(response)["items"]:
        print(f"{item['score']:.2f}  {item['title']}")
