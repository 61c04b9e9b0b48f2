"""An example of each body and answer, read from `examples.json`."""

from importlib.resources import files
from typing import Any

import orjson

_DOCUMENT = orjson.loads(files("api.v1.openapi").joinpath("examples.json").read_bytes())

EXAMPLES: dict[str, Any] = _DOCUMENT["types"]  # by name of the type
FORMAT_EXAMPLES: dict[str, Any] = _DOCUMENT["formats"]  # of lists, by media type
BODY_LINES: str = _DOCUMENT["ndjson"]["body"]
RESULT_LINES: str = _DOCUMENT["ndjson"]["result"]
