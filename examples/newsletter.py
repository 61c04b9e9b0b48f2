"""
For makers of newsletters: one list for all stories of an issue, as Markdown.

    python examples/newsletter.py ID [ID …]

The list has none of these stories, and no two articles about the same event. No key is needed; only
Python's standard library is.
"""

import json
import os
import sys
from urllib.parse import urlencode
from urllib.request import urlopen

SERVICE = os.environ.get("ALSOSEE_URL", "http://127.0.0.1:8000")
SITE = os.environ.get("ALSOSEE_SITE", "main")
TIMEOUT_SECONDS = 10

query = urlencode([*(("article", one) for one in sys.argv[1:]), ("limit", "5")])
with urlopen(f"{SERVICE}/v1/{SITE}/related?{query}", timeout=TIMEOUT_SECONDS) as response:
    items = json.load(response)["items"]

print("## Also see\n")
for item in items:
    print(f"- [{item['title']}]({item['url']})")
