"""The tools of an assistant, called by the protocol's own client over standard input and output."""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner
from flask import Flask
from mcp import Client, StdioServerParameters
from news import article
from werkzeug.serving import make_server

from api.cli.main import main
from recommender.backend import Backend

Put = Callable[..., None]
Call = tuple[str, dict[str, Any]]

PATIENCE_SECONDS = 60.0
READING = ["recent", "related", "related_by_address"]
LOOKING = ["explain", "links_for_draft", "search"]
DRAFT = {"title": "Talks on Kursk", "body": "Diplomats met. Nobody gives up the Kursk region."}


@pytest.fixture
def url(app: Flask, put: Put) -> Iterator[str]:
    """Where a service answers that knows five articles."""
    put(*map(article, ("kursk", "sudzha", "ceasefire", "budget", "final")))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def key_file(backend: Backend, tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text(backend.keys.create("main", ["look"]) + "\n")
    return file


def answers(url: str, calls: list[Call], *options: str) -> tuple[list[str], list[Any]]:
    """The names of the tools, and what they answer to *calls*: data, or the text of an error."""
    command = ["-m", "api.cli.main", "mcp", "--url", url, *options]

    async def ask() -> tuple[list[str], list[Any]]:
        server = StdioServerParameters(command=sys.executable, args=command)
        async with Client(server, read_timeout_seconds=PATIENCE_SECONDS) as client:
            tools = await client.list_tools()
            results = [await client.call_tool(name, arguments) for name, arguments in calls]
        names = sorted(tool.name for tool in tools.tools)
        return names, [
            one.content[0].text if one.is_error else one.structured_content for one in results
        ]

    # In a thread of its own: tests with a browser leave a running event loop in this one.
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(anyio.run, ask).result(PATIENCE_SECONDS)


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["items"]]


def test_a_key_that_may_look_has_every_tool(url: str, key_file: Path) -> None:
    calls: list[Call] = [
        ("related", {"article": "kursk", "limit": 2}),
        ("related_by_address", {"url": "https://news.example/kursk", "limit": 2}),
        ("recent", {"limit": 3}),
        ("search", {"words": "cup final"}),
        ("explain", {"article": "kursk", "target": "sudzha"}),
        ("links_for_draft", DRAFT),
    ]
    tools, results = answers(url, calls, "--key-file", str(key_file))
    related, by_address, recent, search, explained, links = results

    assert sorted(READING + LOOKING) == tools
    assert "sudzha" == ids(related)[0] and related == by_address
    assert 3 == len(ids(recent))
    assert ["final"] == ids(search)
    assert 1 == explained["position"] and "Kursk region" in explained["subjects"]
    assert "kursk" == links["items"][0]["target"]["id"]
    assert "Kursk region" == links["items"][0]["anchor"]["text"]


def test_without_a_key_an_assistant_sees_what_readers_see(url: str) -> None:
    calls: list[Call] = [("related", {"article": "kursk"}), ("related", {"article": "nowhere"})]

    tools, (related, unknown) = answers(url, calls)

    assert READING == tools
    assert "sudzha" == ids(related)[0]
    assert "no article 'nowhere'" in unknown


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["mcp", *arguments])
    assert 0 != result.exit_code
    return result.output


def test_a_key_that_is_not_accepted_ends_the_command_with_a_line(url: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("as_00000000_nothing")

    assert "key" in run("--url", url, "--key-file", str(file)).splitlines()[-1]


def test_an_unknown_site_and_an_absent_service_are_named(url: str) -> None:
    assert "nowhere" in run("--url", url, "--site", "nowhere")
    assert "no answer from http://127.0.0.1:9" in run("--url", "http://127.0.0.1:9")


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff\xfe", "kéy".encode()])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)

    assert "--key-file" in run("--key-file", str(file))
    assert "cannot be read" in run("--key-file", str(tmp_path / "nothing"))
