"""Progress of a long command."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


def progress_bar(label: str, length: int = 0) -> "ProgressBar[Any]":
    """A progress bar on standard error; nothing where that is not a terminal."""
    is_hidden = not sys.stderr.isatty()
    return click.progressbar(
        length=length, label=label, file=sys.stderr, hidden=is_hidden, show_pos=True
    )


@contextmanager
def progress(label: str, length: int = 0) -> Iterator[Callable[[], None]]:
    """A progress bar; yields a function that advances it by one."""
    with progress_bar(label, length) as bar:
        yield lambda: bar.update(1)
