"""Where log lines go: standard error, as JSON from the service and as text from a command."""

import logging
import sys

import structlog


def configure(level: str, as_json: bool = True) -> None:
    """Write what is at *level* (debug, info, warning, error) or above; one line each."""
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        # Not the factory for one file: standard error as it is when a line is written.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )
