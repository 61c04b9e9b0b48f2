"""The `alsosee` command: what can be typed. What it then does is in `api/cli/`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from recommender.config import Settings

# Everything heavy is imported inside the commands: `--help` answers in a tenth of a second.

SITE = click.option("--site", metavar="NAME", help="Default: the first of ALSOSEE_SITES.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
HOST = click.option("--host", metavar="ADDRESS", help="Address to listen on.  [ALSOSEE_HOST]")
PORT = click.option(
    "--port", type=click.IntRange(1, 65_535), help="Port to listen on.  [ALSOSEE_PORT]"
)
WORKERS = click.option(
    "--workers", type=click.IntRange(1, 64), help="Worker processes.  [ALSOSEE_WORKERS]"
)
THREADS = click.option(
    "--threads", type=click.IntRange(1, 64), help="Threads of each worker.  [ALSOSEE_THREADS]"
)


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Turn every known error into one sentence on standard error."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            known = _in_words(error)
            if known is None:
                raise
            raise known from error


def _in_words(error: Exception) -> click.ClickException | None:
    from recommender.errors import AlsoSeeError, InvalidInput, StoreUnavailable
    from recommender.storage.embedded import EmbeddedServerError

    if isinstance(error, InvalidInput):
        return click.UsageError(str(error))
    if isinstance(error, StoreUnavailable) and error.reason:
        return click.ClickException(f"{error}: {error.reason}")
    if isinstance(error, AlsoSeeError | EmbeddedServerError):
        return click.ClickException(str(error))
    return None


def _settings(**overrides: object) -> "Settings":
    """
    Read the settings, with command line options before the environment.

    Options become variables, so that every process we start sees the same settings.
    """
    from recommender import logs
    from recommender.config import PREFIX, Settings

    logs.configure("warning")
    os.environ |= {PREFIX + k.upper(): str(v) for k, v in overrides.items() if v is not None}
    return Settings.from_environment()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="alsosee", message="%(prog)s %(version)s")
def main() -> None:
    """Related articles for news publishers, from the site's own archive.

    Settings are ALSOSEE_* variables; README.md lists them. Exit status: 0 done, 1 failed, 2 usage.
    """


@main.command()
@HOST
@PORT
@WORKERS
@THREADS
@click.pass_context
def serve(ctx: click.Context, /, **options: object) -> None:
    """Run the service until Ctrl-C or SIGTERM.

    Requests in progress have eight seconds to finish. SIGHUP replaces the workers one by one.
    """
    from api.serve import serve as run
    from api.serve import url_of

    settings = _settings(**options)
    ctx.exit(run(settings, on_ready=lambda: click.echo(f"Also See answers at {url_of(settings)}")))


@main.command()
@PORT
@click.pass_context
def demo(ctx: click.Context, port: int | None) -> None:
    """Run the service with a sample newspaper, to look around.

    Everything is kept in the folder demo of ALSOSEE_DATA_DIR, also what you add.
    """
    from api.cli.demo import demo as run

    log_level = os.environ.get("ALSOSEE_LOG_LEVEL", "warning")
    settings = _settings(port=port, demo=True, log_level=log_level)
    # A folder of its own: the sample has no business in a newspaper's archive.
    ctx.exit(run(_settings(data_dir=settings.data_dir / "demo")))


@main.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@SITE
@JSON
@click.pass_context
def import_(ctx: click.Context, files: tuple[str, ...], site: str | None, as_json: bool) -> None:
    """Bring articles in from JSON Lines or CSV files, gzipped or not; - is standard input.

    Importing a file again changes nothing, so it is safe to repeat. Articles that cannot be
    accepted are listed with line, field and reason, and stop no other. Exit status 1 when a file
    could not be read, or none of the articles was accepted; 130 after Ctrl-C.
    """
    from api.cli.archive import import_files

    ctx.exit(import_files(_settings(), files, site, as_json))


@main.command()
@SITE
@click.option("--related", "lists", is_flag=True, help="Write every article's list instead.")
@click.option("--limit", type=int, help="How many in a list; 5, or what the settings say.")
@click.option("--surface", metavar="NAME", help="By the settings of this surface.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="A file, continued if it is there already."
)
def export(
    site: str | None, lists: bool, limit: int | None, surface: str | None, output: Path | None
) -> None:
    """Write every article to standard output as JSON Lines, as `import` reads them.

    With --related it is every article's list, for sites that are built and not served: one line
    each, in the order of the ids, made on all processors. After Ctrl-C the same command with
    --output goes on where it was.
    """
    from api.cli.archive import export as run
    from api.cli.lists import export_lists

    if lists:
        given = {"limit": limit, "surface": surface}
        wanted = {name: value for name, value in given.items() if value is not None}
        export_lists(_settings(), site, wanted, output)
        return
    if output is not None:
        raise click.UsageError("--output goes with --related; send the articles to a file with >.")
    run(_settings(), site)


@main.command()
@SITE
@click.option("--all", "everything", is_flag=True, help="Also what is up to date.")
@JSON
def reindex(site: str | None, everything: bool, as_json: bool) -> None:
    """Analyse stored articles anew, after an upgrade that reads text in another way.

    Done are the articles that doctor calls outdated, and those whose vector is damaged. It may run
    beside the service, be stopped at any moment and started again.
    """
    from api.cli.reindex import reindex as run

    run(_settings(), site, everything, as_json)


@main.command()
@SITE
def build(site: str | None) -> None:
    """Make the index file of a site anew, if articles changed since the last one.

    Workers do it by themselves; before a start of `serve` it saves them the first minute.
    """
    from api.cli.archive import build as run

    run(_settings(), site)


@main.command()
@click.argument("article_id", metavar="[ID]", required=False)
@click.option(
    "--text", metavar="FILE", help="A draft: its first line is the title; - is standard input."
)
@SITE
@click.option("--surface", metavar="NAME", help="By the settings of this surface.")
@click.option("--limit", type=int, help="How many articles; 5, or what the settings say.")
@click.option("--offset", type=int, help="How many to pass over.")
@click.option("--section", multiple=True, metavar="NAME", help="Only this section; repeatable.")
@click.option("--tag", multiple=True, metavar="NAME", help="Only with this tag; repeatable.")
@click.option("--author", multiple=True, metavar="NAME", help="Only by this author; repeatable.")
@click.option("--lang", multiple=True, metavar="CODE", help="Only in this language; any for all.")
@click.option("--exclude", multiple=True, metavar="ID", help="Not this article; repeatable.")
@click.option("--published-after", metavar="DATE", help="ISO 8601, or a time ago: 7d, 12h.")
@click.option("--published-before", metavar="DATE", help="ISO 8601, or a time ago: 7d, 12h.")
@click.option("--sort", help="score or published_at.")
@click.option("--min-score", type=float, help="Leave out what scores less; 0 to 1.")
@click.option(
    "--no-fallback",
    "fallback",
    flag_value=False,
    default=None,
    help="Do not fill a short list up with recent articles.",
)
@JSON
def related(
    article_id: str | None, text: str | None, site: str | None, as_json: bool, **parameters: object
) -> None:
    """Print the list beside the article ID, or beside a draft."""
    from api.cli.related import related as run

    if (article_id is None) == (text is None):
        raise click.UsageError("Give either the ID of an article or --text FILE.")
    given = {name: value for name, value in parameters.items() if value not in (None, ())}
    run(_settings(), site, article_id, text, given, as_json)


@main.group()
def keys() -> None:
    """Make, list and revoke the keys that writing needs."""


@keys.command("create")
@SITE
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(["ingest", "look", "edit", "admin"]),
    multiple=True,
    required=True,
    help="What it allows: ingest articles; look at what editors see, edit what readers see, or"
    " admin to set how lists are made, each including the one before. May be repeated.",
)
@click.option("--note", default="", help="For whom or what it is.")
def create_key(site: str | None, scopes: tuple[str, ...], note: str) -> None:
    """Print a new key. It is shown this once: only a hash of it is kept."""
    from api.cli.keys import create

    create(_settings(), site, scopes, note)


@keys.command("list")
@JSON
def list_keys(as_json: bool) -> None:
    """Print every key without its secret."""
    from api.cli.keys import show

    show(_settings(), as_json)


@keys.command("revoke")
@click.argument("key_id", metavar="ID")
def revoke_key(key_id: str) -> None:
    """Make a key useless from the next request on. ID is the part between as_ and the next _."""
    from api.cli.keys import revoke

    revoke(_settings(), key_id)


@main.command()
@SITE
@click.option(
    "--days", type=click.IntRange(1, 90), default=7, show_default=True, help="With today."
)
@click.option(
    "--by",
    type=click.Choice(["article", "position", "day"]),
    default="article",
    show_default=True,
    help="What the table's lines are.",
)
@JSON
def events(site: str | None, days: int, by: Any, as_json: bool) -> None:
    """Print what readers saw and clicked. --json has every count of day, article and position."""
    from api.cli.events import events as run

    run(_settings(), site, days, by, as_json)


@main.command()
@SITE
@click.option(
    "--url",
    default="https://related.your.site",
    show_default=True,
    metavar="ADDRESS",
    help="Of this service, as readers' browsers reach it.",
)
def widget(site: str | None, url: str) -> None:
    """Print what a page needs for its box, with the script pinned by its hash."""
    from api.cli.sites import pick_site
    from api.site.widget import tags

    click.echo(tags(url.rstrip("/"), pick_site(_settings(), site)))


@main.command()
@SITE
@JSON
def survey(site: str | None, as_json: bool) -> None:
    """Make every article's list and say how many are short, and which articles stand in none.

    The editor's desk shows the last one on its overview. Of more than 10,000 articles so many stand
    for all. It may run beside the service; one at a time.
    """
    from api.cli.survey import survey as run

    run(_settings(), site, as_json)


@main.command()
@JSON
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check this install and say in plain words what is wrong. Exit status 1 if anything is."""
    from api.cli.doctor import doctor as run

    ctx.exit(run(as_json))


PATH = click.Path(path_type=Path)


@main.command()
@click.argument("articles")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "trec"]),
    default="jsonl",
    show_default=True,
    help="Our JSON Lines, or TREC qrels.",
)
def truth(articles: str, form: str) -> None:
    """Print the archive's own links as judged pairs, to measure lists with.

    Counted are "Also See" lines, links inside the text, and tags like "series: …", between articles
    of the file. Standard error says what was left out and why.
    """
    from api.cli.evaluation import truth as run

    run(articles, form)


@main.command()
@click.argument("articles")
@click.argument("truth_file", metavar="TRUTH", type=PATH)
@click.option("--systems", metavar="A,B", help="Which to compare; all plain ones by default.")
@click.option("--measures", metavar="A,B", help="Which to take, such as nDCG@10,recall@10.")
@click.option(
    "--as-of",
    type=click.Choice(["publication", "all"]),
    default="publication",
    show_default=True,
    help="What may answer: what was out when the story was, or the whole archive.",
)
@click.option("--all", "whole", is_flag=True, help="The same as --as-of all.")
@click.option(
    "--candidates",
    type=click.Choice(["any", "older"]),
    default="any",
    show_default=True,
    help="older: only what was published strictly before the story.",
)
@click.option("--queries", type=click.IntRange(1), help="Draw that many stories.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the draw, and of all chance.")
@click.option("--run", "runs", multiple=True, type=PATH, help="A TREC run, as one more system.")
@click.option(
    "--ranking", type=PATH, metavar="FILE", help="A file of tune, as system alsosee-tuned."
)
@click.option("--embedding-model", type=PATH, help="Folder of a sentence-transformers model.")
@click.option("--versus", metavar="SYSTEM", help="Add differences to this system to the JSON.")
@click.option("--report", type=PATH, metavar="DIR", help="Write a page to read and to mail.")
@click.option("--trec", type=PATH, metavar="DIR", help="Write TREC runs and qrels.")
@click.option(
    "--overview", metavar="SITE", help="Show the figures on the overview of this site's desk."
)
@click.option(
    "--no-timings",
    "timings",
    flag_value=False,
    default=True,
    help="Leave out of the JSON what differs from run to run.",
)
@click.option("--per-query", is_flag=True, help="Add every story's values and lists to the JSON.")
@click.option("--baseline", type=PATH, metavar="JSON", help="An earlier --json --per-query.")
@click.option(
    "--fail-under",
    multiple=True,
    metavar="nDCG@10:-0.01",
    help="Exit with 1 when the measure surely fell by more than that.",
)
@JSON
@click.pass_context
def evaluate(
    ctx: click.Context, /, articles: str, truth_file: Path, whole: bool, **options: Any
) -> None:
    """Measure the lists of this product, and of plain ones, on judged pairs.

    ARTICLES is read as `import` does, TRUTH as `truth` prints it. Neither Redis nor a server takes
    part, but for --overview. Exit status 1 when --fail-under is not met.
    """
    from api.cli.evaluation import Wish, evaluate_archive

    if whole:
        options["as_of"] = "all"
    if options["fail_under"] and options["baseline"] is None:
        raise click.UsageError("--fail-under needs --baseline, an earlier result to compare with.")
    ctx.exit(evaluate_archive(articles, truth_file, Wish(**options)))


@main.command()
@click.argument("articles")
@click.argument("truth_file", metavar="[TRUTH]", type=PATH, required=False)
@click.option(
    "--output",
    type=PATH,
    default="ranking.json",
    show_default=True,
    metavar="FILE",
    help="Where the ranking goes if it helps.",
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of folds and intervals.")
@JSON
def tune(articles: str, truth_file: Path | None, output: Path, seed: int, as_json: bool) -> None:
    """Learn from the newsroom's own links how to rank its archive.

    Learnt from the older half of the links, tested on the newer half. The file is written only when
    the 95 % interval of the gain lies above zero; ALSOSEE_RANKING=FILE puts it to use. TRUTH, as
    `truth` prints it, is harvested from ARTICLES when it is not given.
    """
    from api.cli.tune import tune as run

    run(articles, truth_file, output, seed, as_json)


@main.command()
@click.argument("a", metavar="A.json", type=PATH)
@click.argument("b", metavar="B.json", type=PATH)
@click.option("--system", default="alsosee", show_default=True, help="Which system to compare.")
@JSON
def compare(a: Path, b: Path, system: str, as_json: bool) -> None:
    """Say what changed from one evaluation to another, made with --json --per-query."""
    from api.cli.evaluation import compare_results

    compare_results(a, b, system, as_json)


if __name__ == "__main__":
    main(prog_name="alsosee")
