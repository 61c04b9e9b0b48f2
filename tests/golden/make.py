"""
Make the golden data folder of the present features version: `python tests/golden/make.py`.

Run it once before a release that raises FEATURES_VERSION, with the code of the release before. The
folder is what `alsosee import` left, and the lists are what that release showed.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from news import STORIES, article

from api.app import create_app
from features.vectorizer import FEATURES_VERSION
from recommender.backend import Backend
from recommender.config import Settings

FOLDER = Path(__file__).parent / f"features-{FEATURES_VERSION}"


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(data_dir=Path(name), store_timeout_seconds=5)
        with Backend(settings) as backend:
            lists = _fill(backend)
        shutil.copytree(Path(name) / "appendonlydir", FOLDER / "appendonlydir")
    (FOLDER / "lists.json").write_text(json.dumps(lists, indent=1, sort_keys=True) + "\n")
    print(f"{FOLDER}: {len(lists)} lists")


def _fill(backend: Backend) -> dict[str, list[str]]:
    client = create_app(backend=backend).test_client()
    key = {"Authorization": f"Bearer {backend.keys.create('main', ['ingest'])}"}
    ids = [*STORIES, *(f"other-{number}" for number in range(12))]
    for article_id in ids:
        path = f"/v1/main/articles/{article_id}"
        assert client.put(path, json=article(article_id), headers=key).status_code == 201
    lists = {}
    for article_id in ids:
        answer = client.get(f"/v1/main/articles/{article_id}/related?limit=50").json
        lists[article_id] = [item["id"] for item in answer["items"]]
    return lists


if __name__ == "__main__":
    main()
