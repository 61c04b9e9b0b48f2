"""Turn `alsosee export --related`, one JSON object a line, into one JSON object by id."""

import json
import sys

lists = (json.loads(line) for line in sys.stdin if line.strip())
related = {one["source"]["id"]: [item["id"] for item in one["items"]] for one in lists}
json.dump(related, sys.stdout, ensure_ascii=False)
