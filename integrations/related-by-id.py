"""Turn `alsosee export --related`, one JSON object a line, into one JSON object by id."""

import json
import sys

lists = (json.loads(line) for line in sys.stdin if line.strip())
json.dump({one["id"]: one["related"] for one in lists}, sys.stdout, ensure_ascii=False)
