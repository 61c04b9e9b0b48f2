"""The log: JSON lines on standard error, in the same form from every process."""

import logging
import logging.config
import sys
import threading
from types import TracebackType
from typing import Any

import structlog

# One line from our own loggers and one from a library's have the same fields.
_SHARED: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
_AS_JSON = structlog.processors.JSONRenderer(ensure_ascii=False)

log = structlog.get_logger()


def configure(level: str) -> None:
    """Log what is at *level* (debug, info, warning, error) or above, one line each."""
    structlog.configure(
        processors=[*_SHARED, _AS_JSON],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        # Not the factory for one file: it would keep the standard error of this moment.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )


def configure_service(level: str) -> None:
    """
    As `configure`, also for what libraries report and for errors that end the process or a thread.

    A command leaves these as Python prints them, for the person at the terminal.
    """
    configure(level)
    logging.config.dictConfig(library_config())
    logging.captureWarnings(True)
    sys.excepthook = _process_failed
    threading.excepthook = _thread_failed


def library_config(loggers: tuple[str, ...] = ()) -> dict[str, Any]:
    """
    The configuration of Python's own logging, through which libraries report.

    Args:
        loggers: names that do not pass their lines on to the root logger.
    """
    handlers = {"handlers": ["json"], "level": "WARNING"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": _library_formatter}},
        "handlers": {"json": {"class": "logging.StreamHandler", "formatter": "json"}},
        "loggers": {name: {**handlers, "propagate": False} for name in loggers},
        "root": handlers,
    }


def _library_formatter() -> logging.Formatter:
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(
        processors=[remove_meta, _AS_JSON],
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *_SHARED],
    )


def _process_failed(
    kind: type[BaseException], error: BaseException, _: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("process failed", exc_info=error)


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_value is None or isinstance(failure.exc_value, SystemExit):
        return
    name = failure.thread.name if failure.thread else ""
    log.critical("thread failed", thread=name, exc_info=failure.exc_value)
