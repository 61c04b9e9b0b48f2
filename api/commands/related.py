"""The list beside an article or a draft, without a server."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click
import orjson

from api.commands.sites import pick_site
from api.listing import document
from api.params import checked
from features.article import Article, parse_draft
from features.vectorizer import count_terms
from recommender.backend import Backend
from recommender.config import Settings
from recommender.related import RelatedList
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
    wanted = checked(dict(given)).parameters()
    name = pick_site(settings, site)
    draft = None if text is None else _draft(text)
    now = datetime.now(UTC)
    with Backend(settings) as backend:
        live = backend.site(name)
        if draft is not None:
            counts = count_terms(draft)
            made, version = live.related_to(counts, draft.language, wanted, now)
        else:
            made, version = live.related(str(article_id), wanted, now)
    if as_json:
        title = draft.title if draft else None
        click.echo(orjson.dumps(document(made, version, "command line", draft_title=title)))
    else:
        _print(made)


def _draft(name: str) -> Article:
    try:
        with click.open_file(name, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UnreadableFile(f"{name}: {reason}") from error
    title, _, body = text.strip().partition("\n")
    return parse_draft({"title": title, "body": body})


def _print(made: RelatedList) -> None:
    for item in made.items:
        date = (item.card["published_at"] or "")[:10]
        score = f"{item.score:.3f}" if item.reason == "similar" else "recent"
        click.echo(f"{score:>6}  {date:10}  {item.card['title']}  [{item.card['id']}]")
    if not made.items:
        click.echo("Nothing related.", err=True)
