"""`alsosee serve`: the service."""

import click

from api.cli.options import PORT
from api.cli.settings import read_settings
from api.serve import serve as run_service
from api.serve import url_of

HOST = click.option("--host", metavar="ADDRESS", help="Address to listen on.  [ALSOSEE_HOST]")
WORKERS = click.option(
    "--workers", type=click.IntRange(1, 64), help="Number of processes.  [ALSOSEE_WORKERS]"
)
THREADS = click.option(
    "--threads", type=click.IntRange(1, 64), help="Threads of each worker.  [ALSOSEE_THREADS]"
)


@click.command()
@HOST
@PORT
@WORKERS
@THREADS
@click.pass_context
def serve(ctx: click.Context, /, **options: object) -> None:
    """Run the service.

    It ends on Ctrl-C or SIGTERM, after up to eight seconds for requests in progress. SIGHUP
    replaces the workers one by one.
    """
    settings = read_settings(**options)

    def announce() -> None:
        click.echo(f"Also See answers at {url_of(settings)}")

    ctx.exit(run_service(settings, on_ready=announce))
