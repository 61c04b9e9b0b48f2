"""The sample newspaper: a page for every article of the first site, with its box."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import orjson
from flask import Blueprint, Response, abort, make_response, render_template

from api.http.request import backend
from api.lists.document import List, document
from api.lists.words import RIGHT_TO_LEFT, box_words
from features.language import language_of_words
from recommender.errors import NotFound
from recommender.policy.list_options import ListOptions
from recommender.policy.option_types import ANY_LANGUAGE

blueprint = Blueprint("demo", __name__)

PAPER = "The Tidewater Courier"
SAMPLE_ORIGIN = "https://www.tidewater-courier.example"
FRONT_PAGE_STORIES = 18  # the first takes four places of a grid of three columns
ALSO_SEE = "Also See:"
# The end of an imported teaser, whose link is lost.
READ_MORE = re.compile(r"\s*read more\W*", re.IGNORECASE)
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src http: https: data:;"
    " style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)


@blueprint.get("/")
def home() -> Response:
    options = ListOptions(limit=FRONT_PAGE_STORIES, lang=(ANY_LANGUAGE,))
    return _page("home.html", **_recent("home", options))


@blueprint.get("/section/<name>")
def section(name: str) -> Response:
    options = ListOptions(
        limit=FRONT_PAGE_STORIES, section=(name.casefold(),), lang=(ANY_LANGUAGE,)
    )
    stories = _recent("section", options)
    if not stories["items"]:
        return _page("missing.html", status=404)
    return _page("section.html", name=name, **stories)


@blueprint.get("/layouts")
def layouts() -> Response:
    """Every layout of the box, on a light and on a dark background."""
    newest = _recent("layouts", ListOptions(limit=1))["items"]
    return _page("layouts.html", story=newest[0]["id"] if newest else "")


@blueprint.get("/<article_id:article_id>")
def article(article_id: str) -> Response:
    if article_id.partition("/")[0] == "v1":
        abort(404)  # a mistyped address of the API, which should not answer with a page
    site = _site()
    article = backend().store.article(site, article_id)
    if article is None:
        return _page("missing.html", status=404)
    now = backend().clock.now()
    try:
        related, version = (
            backend()
            .site(site)
            .read_with_cards(
                lambda recommender: recommender.related(article_id, ListOptions(), now)
            )
        )
    except NotFound:
        return _page("missing.html", status=404)
    return _page(
        "article.html",
        layout="sidebar",
        words=box_words(language_of_words(article["language"], article["title"])),
        article=article,
        paragraphs=list(_paragraphs(article["body"])),
        list_url=f"/v1/{site}/articles/{quote(article_id, safe='')}/related",
        **_with_pages(document(related, version, "demo", ListOptions())),
    )


def sample_articles(origin: str) -> Iterator[dict[str, Any]]:
    """The sample archive, with links and pictures at *origin*."""
    text = files("api").joinpath("sample/articles.jsonl").read_bytes()
    for line in text.replace(SAMPLE_ORIGIN.encode(), origin.encode()).splitlines():
        yield orjson.loads(line)


def _recent(name: str, options: ListOptions) -> List:
    """The newest articles, for the page of this *name*."""
    now = backend().clock.now()
    newest, version = (
        backend()
        .site(_site())
        .read_with_cards(lambda recommender: recommender.recent(options, now))
    )
    return _with_pages(document(newest, version, name, ListOptions()))


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


def _with_pages(stories: List) -> List:
    """Articles without an address link to their page here."""
    for item in stories["items"]:
        item["url"] = item["url"] or _page_of(item)
    return stories


def _page_of(card: Mapping[str, Any]) -> str:
    # "//" at the start would lead to another host.
    return f"/{quote(card['id'])}".replace("//", "/%2F")


def _paragraphs(body: str) -> Iterator[dict[str, Any]]:
    for text in body.split("\n\n"):
        if READ_MORE.fullmatch(text):
            continue
        if not text.startswith(ALSO_SEE):
            yield {"text": text, "also_see": False, "url": None}
            continue
        title = text.removeprefix(ALSO_SEE).strip()
        yield {"text": title, "also_see": True, "url": _sample_pages().get(title)}


@cache
def _sample_sections() -> list[str]:
    """The sections of the sample, largest first."""
    counts = Counter(article["section"] for article in sample_articles(""))
    return [name for name, _ in counts.most_common()]


@cache
def _sample_pages() -> dict[str, str]:
    """The page of each title: of the sample's inline links only the texts are stored."""
    return {card["title"]: _page_of(card) for card in sample_articles("")}
