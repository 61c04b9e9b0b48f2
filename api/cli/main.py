"""The `alsosee` command. Each of its commands is a file of this folder, imported when called."""

from importlib import import_module
from typing import Any

import click

# Printed by `alsosee --help`, which therefore need not import the commands.
COMMANDS = {
    "backup": "Write articles, rules, settings, keys, audit and events to a file.",
    "build": "Write the index file of a site, if articles changed.",
    "compare": "Show which of two evaluations is better, and what changed.",
    "demo": "Run the service with a sample newspaper.",
    "doctor": "Check this installation and report problems.",
    "evaluate": "Measure the quality of lists on judged pairs.",
    "events": "Print impressions and clicks.",
    "export": "Write every article, or every list, as JSON Lines.",
    "import": "Store articles from files, folders and zip archives.",
    "keys": "Create, list and revoke API keys.",
    "mcp": "Let an assistant search the archive and find related articles.",
    "purge": "Erase articles for good, with their text in every file.",
    "reindex": "Analyse stored articles again, after an upgrade.",
    "repair": "Restore what can be read of a damaged archive.",
    "related": "Print the list for an article or a draft.",
    "restore": "Write a backup into the store.",
    "serve": "Run the service.",
    "survey": "Make every list, and count how many are short.",
    "truth": "Print the links in an archive as judged pairs.",
    "tune": "Learn from the links in an archive how to rank it.",
    "widget": "Print the HTML that shows the box on a page.",
}


class LazyCommands(click.Group):
    """Imports a command when it is called, and prints known errors as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        name = "import_" if name == "import" else name  # `import` is no name in Python
        command: click.Command = getattr(import_module(f"api.cli.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            known = _as_click_error(error)
            if known is None:
                raise
            raise known from error


def _as_click_error(error: Exception) -> click.ClickException | None:
    from recommender.errors import AlsoSeeError, InvalidInput, StoreUnavailable
    from recommender.storage.embedded import EmbeddedServerError

    if isinstance(error, InvalidInput):
        return click.UsageError(str(error))
    if isinstance(error, StoreUnavailable) and error.reason:
        return click.ClickException(f"{error}: {error.reason}")
    if isinstance(error, AlsoSeeError | EmbeddedServerError):
        return click.ClickException(str(error))
    return None


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="alsosee", message="%(prog)s %(version)s")
def main() -> None:
    """Related articles for news publishers, from the site's own archive.

    Settings are ALSOSEE_* variables; docs/server-settings.md lists them. Exit status: 0 done, 1
    failed, 2 usage.
    """


if __name__ == "__main__":
    main(prog_name="alsosee")
