"""The programs in examples/ do what their first lines say."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import orjson
import pytest
from flask import Flask
from nbclient import NotebookClient
from news import STORIES, article
from running_service import free_port
from werkzeug.serving import make_server

EXAMPLES = Path(__file__).parent.parent / "examples"
PATIENCE_SECONDS = 120
Run = Callable[..., list[str]]


@pytest.fixture
def run(app: Flask, put: Callable[..., None]) -> Iterator[Run]:
    """Run an example against a service with five stories, and return the lines that it prints."""
    put(*map(article, STORIES))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    variables = {"ALSOSEE_URL": f"http://127.0.0.1:{server.port}"}
    keys = app.extensions["alsosee"].keys

    def run_example(name: str, *arguments: str, scope: str = "look") -> list[str]:
        done = subprocess.run(
            [sys.executable, EXAMPLES / name, *arguments],
            env=os.environ | variables | {"ALSOSEE_KEY": keys.create("main", [scope])},
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        return done.stdout.splitlines()

    yield run_example
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_example_is_in_the_table():
    files = {file.name for file in EXAMPLES.iterdir() if file.is_file()} - {"README.md"}
    table = (EXAMPLES / "README.md").read_text()

    assert [] == [name for name in sorted(files) if f"[{name}]({name})" not in table]


def test_a_published_article_is_stored_and_its_list_printed(run, tmp_path, app):
    file = tmp_path / "article.json"
    file.write_bytes(orjson.dumps(article("talks") | {"id": "2026/talks", "title": "Talks again"}))
    lines = run("publish.py", str(file), scope="ingest")

    assert app.extensions["alsosee"].store.article("main", "2026/talks") is not None
    assert lines


def test_a_draft_is_checked_for_links_and_for_having_run_before(run, tmp_path):
    kursk: dict[str, Any] = article("kursk")
    file = tmp_path / "draft.txt"
    file.write_text(f"{kursk['title']}\n\n{kursk['body']}\n")
    lines = run("check_draft.py", str(file))

    assert lines[0].startswith("We already ran this")
    assert kursk["title"] in lines[0]


def test_a_newsletter_has_none_of_its_stories(run):
    lines = run("newsletter.py", "kursk", "sudzha")

    assert lines[0] == "## Also see"
    assert len(lines) > 2
    assert all(line.startswith("- [") for line in lines[2:])
    assert not any(article(one)["title"] in line for one in ("kursk", "sudzha") for line in lines)


@pytest.fixture
def nightly(tmp_path: Path) -> Callable[..., int]:
    """Run the nightly example in an installation of its own, and return its status."""
    variables = {
        "ALSOSEE_DATA_DIR": str(tmp_path / "var"),
        "ALSOSEE_PORT": str(free_port()),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    environment = os.environ | variables
    created = ["alsosee", "keys", "create", "--new", "--site", "main", "--scope", "ingest"]
    subprocess.run(
        created, env=environment, check=True, capture_output=True, timeout=PATIENCE_SECONDS
    )

    def run_nightly(**more: str) -> int:
        command = [EXAMPLES / "nightly.sh", tmp_path]
        done = subprocess.run(
            command, env=environment | more, check=False, timeout=PATIENCE_SECONDS
        )
        return done.returncode

    return run_nightly


def test_the_nightly_check_backs_up_an_installation_that_is_fine(nightly, tmp_path):
    status = nightly()

    assert status == 0
    assert len(list(tmp_path.glob("alsosee-*.jsonl.zst"))) == 1


def test_the_nightly_check_fails_if_something_is_wrong_and_backs_up_nevertheless(nightly, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        status = nightly(ALSOSEE_PORT=str(other.getsockname()[1]))

    assert status == 1
    assert len(list(tmp_path.glob("alsosee-*.jsonl.zst"))) == 1


def test_the_notebook_has_the_results_that_it_gives_now(tmp_path):
    """But for its plots, whose bytes depend on fonts."""
    notebook = nbformat.read(EXAMPLES / "evaluate-an-archive.ipynb", as_version=4)
    executed = nbformat.read(EXAMPLES / "evaluate-an-archive.ipynb", as_version=4)
    NotebookClient(executed, timeout=PATIENCE_SECONDS, kernel_name="python3").execute(cwd=tmp_path)

    assert texts(executed) == texts(notebook)
    assert sum("image/png" in output.get("data", ()) for output in outputs(notebook)) == 2
    assert [] == list(tmp_path.iterdir())


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def texts(notebook: Any) -> list[str]:
    return [one.get("text") or one["data"]["text/plain"] for one in outputs(notebook)]
