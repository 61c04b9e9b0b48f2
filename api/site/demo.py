"""The sample newspaper: a page for every article of the first site, with its box beside it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import orjson
from flask import Blueprint, Response, abort, make_response, render_template

from api.http.context import backend
from api.lists.document import List, document
from api.lists.words import RIGHT_TO_LEFT, words
from recommender.errors import NotFound
from recommender.pipeline.results import RelatedList
from recommender.policy.list_options import ListOptions
from recommender.policy.option_types import ANY_LANGUAGE

blueprint = Blueprint("demo", __name__)

PAPER = "The Tidewater Courier"
SAMPLE_ORIGIN = "https://www.tidewater-courier.example"
FRONT_PAGE_STORIES = 18  # the first takes four places of a grid of three columns
ALSO_SEE = "Also See:"
# What is left of a link that an imported teaser ended with.
READ_MORE = re.compile(r"\s*read more\W*", re.IGNORECASE)
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src http: https: data:;"
    " style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)


@blueprint.get("/")
def home() -> Response:
    wanted = ListOptions(limit=FRONT_PAGE_STORIES, lang=(ANY_LANGUAGE,))
    made, version = _recent(wanted)
    return _page("home.html", **_linked(document(made, version, "home", ListOptions())))


@blueprint.get("/section/<name>")
def section(name: str) -> Response:
    wanted = ListOptions(limit=FRONT_PAGE_STORIES, section=(name.casefold(),), lang=(ANY_LANGUAGE,))
    made, version = _recent(wanted)
    if not made.items:
        return _page("missing.html", status=404)
    return _page(
        "section.html", name=name, **_linked(document(made, version, "section", ListOptions()))
    )


@blueprint.get("/layouts")
def layouts() -> Response:
    """Every layout of the box, on light paper and on dark."""
    made, _ = _recent(ListOptions(limit=1))
    return _page("layouts.html", story=made.items[0].card["id"] if made.items else "")


@blueprint.get("/<article_id:article_id>")
def article(article_id: str) -> Response:
    if article_id.partition("/")[0] == "v1":
        abort(404)  # a mistyped address of the service, which a program asked for
    site = _site()
    found = backend().store.article(site, article_id)
    if found is None:
        return _page("missing.html", status=404)
    live = backend().site(site)
    try:
        made, version = live.read_with_cards(
            lambda recommender: recommender.related(article_id, ListOptions(), datetime.now(UTC))
        )
    except NotFound:
        return _page("missing.html", status=404)
    spoken, heading, more = words(found["language"])
    return _page(
        "article.html",
        layout="sidebar",
        spoken=spoken,
        heading=heading,
        more=more,
        article=found,
        paragraphs=list(_paragraphs(found["body"])),
        list_url=f"/v1/{site}/articles/{quote(article_id, safe='')}/related",
        **_linked(document(made, version, "demo", ListOptions())),
    )


def sample_articles(origin: str) -> Iterator[dict[str, Any]]:
    """The sample archive, with its links and pictures leading to *origin*."""
    text = files("api").joinpath("sample/articles.jsonl").read_bytes()
    for line in text.replace(SAMPLE_ORIGIN.encode(), origin.encode()).splitlines():
        yield orjson.loads(line)


def _recent(options: ListOptions) -> tuple[RelatedList, int]:
    now = datetime.now(UTC)
    return (
        backend()
        .site(_site())
        .read_with_cards(lambda recommender: recommender.recent(options, now))
    )


def _site() -> str:
    return backend().sites()[0].site


def _page(template: str, status: int = 200, **values: Any) -> Response:
    text = render_template(
        f"demo/{template}",
        paper=PAPER,
        site=_site(),
        page_of=_page_of,
        sections=_sample_sections(),
        right_to_left=RIGHT_TO_LEFT,
        **values,
    )
    response = make_response(text, status)
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _linked(answer: List) -> List:
    """A card without an address of its own leads to its page here."""
    for item in answer["items"]:
        item["url"] = item["url"] or _page_of(item)
    return answer


def _page_of(card: Mapping[str, Any]) -> str:
    # "//" at the start would be another host.
    return f"/{quote(card['id'])}".replace("//", "/%2F")


def _paragraphs(body: str) -> Iterator[dict[str, Any]]:
    for text in body.split("\n\n"):
        if READ_MORE.fullmatch(text):
            continue
        title = text.removeprefix(ALSO_SEE).strip()
        also_see = text.startswith(ALSO_SEE)
        page = _sample_pages().get(title) if also_see else None
        yield {"text": title if also_see else text, "also_see": also_see, "url": page}


@cache
def _sample_sections() -> list[str]:
    """Those of the sample, the largest first."""
    return [name for name, _ in Counter(a["section"] for a in sample_articles("")).most_common()]


@cache
def _sample_pages() -> dict[str, str]:
    """Where the sample's inline links lead; links themselves are not stored, only their text."""
    return {card["title"]: _page_of(card) for card in sample_articles("")}
