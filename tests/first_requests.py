"""
Print the functions that the first requests of a warm worker compile: `first_requests.py FOLDER`.

The worker has called `warm()`. The requests are lists with every option that compiles code, drafts,
links, explanations and a comparison, over the sample archive: read from the store, then from an
index file, then with articles that came after the file.
"""

import gc
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from flask.testing import FlaskClient
from numba.core.dispatcher import Dispatcher

from api.app import create_app
from recommender.backend import Backend
from recommender.build import build
from recommender.config import Settings
from recommender.pipeline.warm import warm

SAMPLE = Path(__file__).parents[1] / "api/sample/articles.jsonl"
LISTS = ["", "?limit=20", "?diversity=0.5&limit=9&story=newest", "?sort=published_at", ".html"]
DRAFT = {"title": "New gates for Dunmere lock", "body": "Oak gates at the Dunmere lock.\n" * 9}


def main(folder: Path) -> None:
    settings = Settings(data_dir=folder, store_timeout_seconds=5)
    warm()
    before = signatures()
    with Backend(settings) as backend:
        articles = [orjson.loads(line) for line in SAMPLE.read_bytes().splitlines()]
        key = {"Authorization": f"Bearer {backend.keys.create('main', ['admin', 'ingest'])}"}
        client = create_app(backend=backend).test_client()
        send(client, key, articles)
        read(client, key, articles)
        assert build(settings, backend.store, "main") == 1
    with Backend(settings) as backend:
        client = create_app(backend=backend).test_client()
        read(client, key, articles)
        assert backend.site("main").file_number == 1
        copies = [article | {"id": f"copy-{article['id']}", "url": None} for article in articles]
        send(client, key, copies[:30])
        read(client, key, articles)
    print(json.dumps(sorted((signatures() - before).elements())))


def signatures() -> Counter[str]:
    """How many signatures of each compiled function are compiled, or loaded from the disk."""
    functions = [one for one in gc.get_objects() if isinstance(one, Dispatcher)]
    return Counter(
        {f"{one.py_func.__module__}.{one.__name__}": len(one.signatures) for one in functions}
    )


def send(client: FlaskClient, key: dict[str, str], articles: list[dict[str, Any]]) -> None:
    lines = b"\n".join(map(orjson.dumps, articles))
    assert client.post("/v1/main/articles", data=lines, headers=key).status_code == 200


def read(client: FlaskClient, key: dict[str, str], articles: list[dict[str, Any]]) -> None:
    for article in articles[:5]:
        path = f"/v1/main/articles/{quote(article['id'], safe='')}/related"
        for rest in LISTS:
            assert client.get(path + rest).status_code == 200
        other = quote(articles[7]["id"], safe="")
        for query in ("", f"?target={other}"):
            assert client.get(f"{path}/explain{query}", headers=key).status_code == 200
    assert client.get("/v1/main/recent").status_code == 200
    for path in ("related", "links", "links?direction=in"):
        draft = DRAFT | {"id": "draft"}
        assert client.post(f"/v1/main/{path}", json=draft, headers=key).status_code == 200
    comparison = {"b": {"diversity": 1.0}, "sample": 10}
    answer = client.post("/v1/main/settings/compare", json=comparison, headers=key)
    assert answer.status_code == 200


if __name__ == "__main__":
    main(Path(sys.argv[1]))
