"""`alsosee related`: one list, without a server."""

from collections.abc import Mapping, Sequence
from typing import Any

import click
import orjson

from api.cli.list_options import read_list_options, takes_list_options
from api.cli.options import JSON, SITE
from api.cli.settings import installed, pick_site, read_settings
from api.lists.document import List, document, texts_to_explain
from features.article import Article, parse_draft
from recommender.articles import StoredArticle
from recommender.backend import Backend
from recommender.policy.list_options import ListOptions
from recommender.replica.site import SiteReplica
from recommender.sources.files import UnreadableFile


@click.command()
@click.argument("article_id", metavar="[ID]", required=False)
@click.option(
    "--text", metavar="FILE", help="A draft. Its first line is the title; - is standard input."
)
@SITE
@takes_list_options
@JSON
def related(
    article_id: str | None, text: str | None, site: str | None, as_json: bool, **arguments: Any
) -> None:
    """Print the list for an article or a draft.

    Give either the ID of an article, or --text.
    """
    if (article_id is None) == (text is None):
        raise click.UsageError("Give either the ID of an article or --text FILE.")
    options = read_list_options(arguments)
    settings = installed(read_settings())
    name = pick_site(settings, site)
    draft = None if text is None else _read_draft(text)
    with Backend(settings) as backend:
        answer = _answer(backend.site(name), str(article_id), draft, options)
    if as_json:
        click.echo(orjson.dumps(answer))
    else:
        _print(answer["items"], options.explain)


def _answer(
    live: SiteReplica, article_id: str, draft: Article | None, options: ListOptions
) -> List:
    """The list for a draft or, without one, for a stored article, in the form of the API."""
    now = live.now()
    if draft is not None:
        stored = StoredArticle.of_draft(draft)
        related_list, version = live.read_with_cards(
            lambda recommender: recommender.related_to(stored, options, now)
        )
    else:
        related_list, version = live.read_with_cards(
            lambda recommender: recommender.related(article_id, options, now)
        )
    texts = texts_to_explain(live, related_list, article_id) if options.explain else None
    return document(related_list, version, "command line", options, draft, texts)


def _read_draft(file_name: str) -> Article:
    try:
        with click.open_file(file_name, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UnreadableFile(f"{file_name}: {reason}") from error
    # As in a mail or a note: a line for the title, then the text.
    title, _, body = text.strip().partition("\n")
    return parse_draft({"title": title, "body": body})


def _print(items: Sequence[Mapping[str, Any]], with_explanation: bool) -> None:
    for item in items:
        date = (item["published_at"] or "")[:10]
        code = item["reason"]["code"]
        # Pins and filler items have no score that says anything.
        score = f"{item['score']:.3f}" if code in ("similar", "relaxed") else code
        click.echo(f"{score:>6}  {date:10}  {item['title']}  [{item['id']}]")
        if with_explanation:
            click.echo(f"{'':6}  {item['reason']['text']} ({_factors(item) or code})")
    if not items:
        click.echo("Nothing related.", err=True)


def _factors(item: Mapping[str, Any]) -> str:
    """The factors of an item's score and, where diversity lowered its place, by how much."""
    factors = [f"{name} {value:.2f}" for name, value in item["factors"].items()]
    if item["diversity_penalty"]:
        factors.append(f"diversity penalty {item['diversity_penalty']:.2f}")
    return ", ".join(factors)
