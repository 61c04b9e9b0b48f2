"""
Count the project's files that one request enters: `.venv/bin/python tests/benchmarks/walk.py`.

A file is entered when the request calls one of its functions. A maintainer who follows a request
from end to end reads these files. The requests are a GET of a list that no cache has and a PUT of
an article, on the sample newspaper. A first round of the same requests imports and compiles what is
done once.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import orjson

import api
from api.app import create_app
from recommender.backend import Backend
from recommender.config import Settings

ROOT = Path(api.__file__).resolve().parents[1]
SAMPLE = ROOT / "api" / "sample" / "articles.jsonl"
SITE = "main"
WARMING, MEASURED = 0, 1  # articles of the sample


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--files", action="store_true", help="name the files and their calls")
    options = parser.parse_args()
    for name, entered in walks().items():
        print(f"{name}: {len(entered)} files")
        if options.files:
            for file, calls in sorted(entered.items()):
                print(f"  {calls:5} {file}")


def walks() -> dict[str, Counter[str]]:
    """The files that each request enters, with the number of calls into each."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="walk-"))
        settings = Settings(data_dir=Path(folder), sites=(SITE,))
        return _walks(stack.enter_context(Backend(settings)))


def _walks(backend: Backend) -> dict[str, Counter[str]]:
    client = create_app(backend=backend).test_client()
    headers = {"Authorization": f"Bearer {backend.keys.create(SITE, ['ingest'])}"}
    lines = SAMPLE.read_bytes().splitlines()
    assert client.post(f"/v1/{SITE}/articles", data=b"\n".join(lines), headers=headers)
    articles = [orjson.loads(line) for line in lines]

    def get(number: int) -> int:
        path = f"/v1/{SITE}/articles/{articles[number]['id']}/related"
        return client.get(path).status_code

    def put(number: int) -> int:
        article = articles[number] | {"title": f"Edited: {articles[number]['title']}"}
        path = f"/v1/{SITE}/articles/{article['id']}"
        return client.put(path, json=article, headers=headers).status_code

    return {"cold GET": _walk(get), "PUT": _walk(put)}


def _walk(request: Callable[[int], int]) -> Counter[str]:
    assert request(WARMING) == 200
    with _entered() as files:
        status = request(MEASURED)
    assert status == 200
    return files


@contextmanager
def _entered() -> Iterator[Counter[str]]:
    """Count calls of functions of the project, by file, in this thread."""
    files: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        file = Path(code.co_filename)
        if event == "call" and code.co_name != "<module>" and file.is_relative_to(ROOT):
            name = str(file.relative_to(ROOT))
            if name.partition("/")[0] in ("api", "features", "recommender"):
                files[name] += 1

    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(None)


if __name__ == "__main__":
    main()
