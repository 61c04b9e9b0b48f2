"""The list beside an article or a draft, without a server."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import orjson

from api.cli.sites import pick_site
from api.lists.answer import document
from api.lists.options import parse_options
from features.article import Article, parse_draft
from recommender.articles import StoredArticle
from recommender.backend import Backend
from recommender.config import Settings
from recommender.policy.list_options import ListOptions
from recommender.sources.files import UnreadableFile


def related(
    settings: Settings,
    site: str | None,
    article_id: str | None,
    text: str | None,
    given: Mapping[str, Any],
    as_json: bool,
) -> None:
    """Print the list beside *article_id*, or else beside the draft in the file *text*."""
    query = parse_options(ListOptions, given)
    name = pick_site(settings, site)
    draft = None if text is None else _draft(text)
    now = datetime.now(UTC)
    with Backend(settings) as backend:
        live = backend.site(name)
        if draft is not None:
            made, version = live.related_to(StoredArticle.of_draft(draft), query, now)
        else:
            made, version = live.related(str(article_id), query, now)
        texts = live.texts([str(article_id)]) if query.explain else None
    answer = document(made, version, "command line", query, draft, texts)
    if as_json:
        click.echo(orjson.dumps(answer))
    else:
        _print(answer["items"], query.explain)


def _draft(name: str) -> Article:
    try:
        with click.open_file(name, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UnreadableFile(f"{name}: {reason}") from error
    title, _, body = text.strip().partition("\n")
    return parse_draft({"title": title, "body": body})


def _print(items: Sequence[Mapping[str, Any]], explain: bool) -> None:
    for item in items:
        date = (item["published_at"] or "")[:10]
        code = item["reason"]["code"]
        score = f"{item['score']:.3f}" if code in ("similar", "relaxed") else code
        click.echo(f"{score:>6}  {date:10}  {item['title']}  [{item['id']}]")
        if explain:
            factors = ", ".join(f"{name} {value:.2f}" for name, value in item["factors"].items())
            click.echo(f"{'':6}  {item['reason']['text']} ({factors or code})")
    if not items:
        click.echo("Nothing related.", err=True)
