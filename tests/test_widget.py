"""The script of the box as it is delivered: small, pinned, and allowed everywhere."""

import gzip
import re
import subprocess
from base64 import b64encode
from hashlib import sha384
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser

from api.cli.main import main
from api.lists.words import WORDS, box_words
from api.site.widget import script, widget
from recommender.policy.list_options import ListOptions
from recommender.policy.option import declared_options

ROOT = Path(__file__).parent.parent
SCRIPTS = {
    name: (ROOT / f"api/static/{name}.js").read_text() for name in ("widget", "widget-extras")
}
SOURCE = ROOT / "api/static/widget.src.js"
ESBUILD = ROOT / ".venv/npm/node_modules/.bin/esbuild"


def size(text: str) -> int:
    return len(gzip.compress(text.encode(), 9))


def test_what_most_pages_need_takes_less_than_four_kilobytes_and_all_of_it_five() -> None:
    assert size(SCRIPTS["widget"]) < 4096
    assert sum(map(size, SCRIPTS.values())) <= 5000


def test_the_scripts_are_what_make_widget_writes(tmp_path: Path) -> None:
    if not ESBUILD.exists():
        pytest.skip("NO ESBUILD: `make test` installs it where there is an npm")
    is_there = "--assume-old=.venv/npm/installed"
    subprocess.run(
        ["make", "widget", is_there, f"WIDGET_OUTPUT={tmp_path}/"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )

    assert SCRIPTS == {name: (tmp_path / f"{name}.js").read_text() for name in SCRIPTS}


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_needs_no_other_file_and_makes_no_text_into_markup(name: str) -> None:
    dangerous = (
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|import\b|cookie|"
        r"localStorage|sessionStorage"
    )

    assert None is re.search(dangerous, SCRIPTS[name])


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("de", ("de", "de", "Lesen Sie auch", "Lesen")),
        ("de-AT", ("de", "de-AT", "Lesen Sie auch", "Lesen")),
        ("pt", ("pt", "pt", "Leia também", "Leia mais")),
        ("pt-BR", ("pt", "pt-BR", "Leia também", "Leia mais")),
        ("pt_PT", ("pt-pt", "pt-PT", "Leia também", "Ler mais")),
        ("en", ("en", "en-GB", "Also See", "Read More")),
        ("en-AU", ("en", "en-AU", "Also See", "Read More")),
        ("fr-x-private", ("fr", "fr", "Lire aussi", "Lire")),
        ("eo", ("en", "en-GB", "Also See", "Read More")),
        ("<b>", ("en", "en-GB", "Also See", "Read More")),
        ("x" * 2000, ("en", "en-GB", "Also See", "Read More")),
    ],
)
def test_the_service_has_the_words_of_a_page(
    client: FlaskClient, page: str, expected: tuple[str, ...]
) -> None:
    response = client.get(f"/widget/words/{quote(page)}.json")

    assert ("*", expected) == (
        response.headers["Access-Control-Allow-Origin"],
        tuple(response.json[name] for name in ("language", "locale", "heading", "more")),
    )


def test_readers_keep_the_words_for_a_day(client: FlaskClient) -> None:
    cache_control = client.get("/widget/words/de.json").headers["Cache-Control"]

    assert cache_control.startswith("public, max-age=86400,")


def test_the_script_has_the_english_words_itself() -> None:
    words = box_words("en")

    assert len(WORDS) >= 20
    assert f'heading: "{words.heading}", more: "{words.more}"' in SOURCE.read_text()


def test_every_parameter_that_a_site_would_set_is_an_attribute() -> None:
    docs = (ROOT / "docs/WIDGET.md").read_text()
    names = [option.widget_attribute for option in declared_options(ListOptions, "widget")]

    assert "languages" in names  # `lang` is the language of the page
    assert [] == [name for name in names if not re.search(rf"\b{name}\b", SCRIPTS["widget"])]
    assert [] == [name for name in names if f"`{name}`" not in docs]


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("is_pinned", [False, True])
def test_it_runs_on_pages_of_any_origin(client: FlaskClient, name: str, is_pinned: bool) -> None:
    response = client.get(script(name).path if is_pinned else f"/{name}.js")

    assert (200, "text/javascript; charset=utf-8", "*", "nosniff", SCRIPTS[name]) == (
        response.status_code,
        response.content_type,
        response.headers["Access-Control-Allow-Origin"],
        response.headers["X-Content-Type-Options"],
        response.text,
    )


def test_one_address_is_for_ever_and_the_other_for_five_minutes(client: FlaskClient) -> None:
    pinned, newest = client.get(widget().path), client.get("/widget.js")

    assert "public, max-age=31536000, immutable" == pinned.headers["Cache-Control"]
    assert newest.headers["Cache-Control"].startswith("public, max-age=300,")


def test_who_has_it_already_gets_it_no_second_time(client: FlaskClient) -> None:
    etag = client.get("/widget.js").headers["ETag"]

    assert 304 == client.get("/widget.js", headers={"If-None-Match": etag}).status_code


@pytest.mark.parametrize("version", ["0" * 12, "..", "%00", "x" * 5000])
def test_another_version_is_not_passed_off_as_this_one(client: FlaskClient, version: str) -> None:
    assert 404 == client.get(f"/widget/{version}/widget.js").status_code


def test_the_integrity_is_that_of_the_bytes(client: FlaskClient) -> None:
    digest = b64encode(sha384(client.get(widget().path).data).digest()).decode()

    assert f"sha384-{digest}" == widget().integrity


@pytest.mark.parametrize("where", ["page", "command", "docs"])
def test_page_command_and_docs_show_the_present_version(client: FlaskClient, where: str) -> None:
    text = {
        "page": client.get("/widget").text,
        "command": CliRunner().invoke(main, ["widget"]).output,
        "docs": (ROOT / "docs/WIDGET.md").read_text(),
    }[where]

    assert (True, True) == (widget().path in text, widget().integrity in text)


def test_the_command_fills_in_address_and_site() -> None:
    arguments = ["widget", "--url", "https://related.paper.example/", "--site", "main"]
    output = CliRunner().invoke(main, arguments).output

    assert f'src="https://related.paper.example{widget().path}"' in output


def test_an_address_stays_one_attribute() -> None:
    address = "https://related.paper.example/\"><script>alert(1)</script>?a=1&b='2'"
    output = CliRunner().invoke(main, ["widget", "--url", address, "--site", "main"]).output
    [script] = LexborHTMLParser(output).css("script")

    assert address + widget().path == script.attributes["src"]


def test_the_page_holds_no_script(client: FlaskClient) -> None:
    response = client.get("/widget")

    assert "<script" not in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
