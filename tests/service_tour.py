"""
Use the whole service once while some modules cannot be imported: `service_tour.py FOLDER MODULE…`.

Prints as JSON the exit status and output of each command, and the status and size of each page. The
archive is the sample, in an
embedded server in FOLDER.
"""

import json
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "api/sample/articles.jsonl"
ARTICLE = "2026/02/10/lock-gates-fail-inspection"
OTHER = "2026/02/13/painted-curtain-found-at-lamp"


class Blocked(MetaPathFinder):
    """Refuses to import *modules*, as if they were not installed."""

    def __init__(self, modules: Sequence[str]) -> None:
        self.modules = frozenset(modules)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if name.partition(".")[0] in self.modules:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main(folder: Path, modules: Sequence[str]) -> None:
    sys.meta_path.insert(0, Blocked(modules))
    os.environ["ALSOSEE_DATA_DIR"] = str(folder)
    answers = {"commands": commands(folder), "pages": requests(folder)}
    print(json.dumps({**answers, "loaded": sorted(set(modules) & set(sys.modules))}))


def commands(folder: Path) -> dict[str, Any]:
    """Exit status and output of every command that ends by itself."""
    from click.testing import CliRunner

    from api.cli.main import main as alsosee

    file, ranking = str(SAMPLE), str(folder / "ranking.json")
    typed = [
        ["import", file],
        ["related", ARTICLE],
        ["export", "--related"],
        ["build"],
        ["survey"],
        ["reindex"],
        ["truth", file],
        ["evaluate", file, file],
        ["tune", file, "--output", ranking],
        ["compare", file, file],
    ]
    results = {words[0]: CliRunner().invoke(alsosee, words) for words in typed}
    return {name: [result.exit_code, result.output] for name, result in results.items()}


def requests(folder: Path) -> dict[str, Any]:
    from urllib.parse import quote

    from desk_visit import DeskVisit

    from api.app import create_app
    from recommender.backend import Backend
    from recommender.config import Settings

    with Backend(Settings(data_dir=folder, store_timeout_seconds=5)) as backend:
        client = create_app(backend=backend).test_client()
        key = {"Authorization": f"Bearer {backend.keys.create('main', ['admin'])}"}
        draft = {"title": "New gates for Dunmere lock", "body": "Oak gates at the Dunmere lock."}
        one, path = quote(ARTICLE, safe=""), "/v1/main/articles/"
        desk = DeskVisit(client, backend, "admin")
        desk.sign_in()
        answers = {
            "list": client.get(f"{path}{one}/related"),
            "box": client.get(f"{path}{one}/related.html"),
            "feed": client.get(f"{path}{one}/related.rss"),
            "explain": client.get(f"{path}{one}/related/explain", headers=key),
            "explained list": client.get(f"{path}{one}/related?explain=true", headers=key),
            "draft": client.post("/v1/main/related", json=draft, headers=key),
            "links": client.post("/v1/main/links", json=draft, headers=key),
            "comparison": client.post(
                "/v1/main/settings/compare", json={"b": {"mode": "recent"}}, headers=key
            ),
            "overview": client.get("/v1/main/overview", headers=key),
            "openapi": client.get("/openapi.json"),
            "desk": desk.get("/"),
            "desk article": desk.get("/article", id=ARTICLE),
            "desk pair": desk.get("/pair", id=ARTICLE, target=OTHER),
            "desk settings": desk.get("/settings"),
            "desk overview": desk.get("/overview"),
        }
        return {name: [answer.status_code, len(answer.data)] for name, answer in answers.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
