"""
For editors who write in their own editor: what to link in a draft, and whether it ran before.

    ALSOSEE_KEY=… python examples/check_draft.py draft.txt

The first line of the file is the title. The key needs the scope `look`: `alsosee keys create --site
main --scope look`. Nothing is stored. Only Python's standard library is needed.
"""

import json
import os
import sys
from pathlib import Path
from urllib.request import Request, urlopen

SERVICE = os.environ.get("ALSOSEE_URL", "http://127.0.0.1:8000")
SITE = os.environ.get("ALSOSEE_SITE", "main")
TIMEOUT_SECONDS = 10

title, _, body = Path(sys.argv[1]).read_text().partition("\n")
draft = {"title": title.strip(), "body": body.strip(), "limit": 5}

request = Request(f"{SERVICE}/v1/{SITE}/links", json.dumps(draft).encode())
request.add_header("Authorization", f"Bearer {os.environ['ALSOSEE_KEY']}")
request.add_header("Content-Type", "application/json")
with urlopen(request, timeout=TIMEOUT_SECONDS) as response:
    answer = json.load(response)

for earlier in answer["duplicates"]:
    print(f"{earlier['message']} {earlier['title']}")
for link in answer["items"]:
    place = link["anchor"]["text"] if link["anchor"] else "(at the end of a paragraph)"
    print(f"{place} -> {link['target']['title']}")
