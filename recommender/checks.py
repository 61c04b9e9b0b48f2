"""Checks of an installation, for `alsosee doctor` and the overview."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from recommender.storage.store import ServerInfo

State = Literal["ok", "note", "wrong"]


class RepeatedLine(NamedTuple):
    """A line of boilerplate: the number of its articles, and its text unless just deleted."""

    articles: int
    text: str | None


@dataclass(frozen=True)
class Check:
    """
    The result of one check; the state *note* is not a failure.

    Attributes:
        boilerplate: the ignored lines of a site, the most frequent first.
        examples: all examples of what the text counts.
    """

    name: str
    state: State
    text: str
    boilerplate: list[RepeatedLine] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


def durability(server: ServerInfo) -> Iterator[Check]:
    """Check whether accepted articles survive a crash of the store and a lack of memory."""
    options = server.options
    if not options:
        yield Check("durability", "note", "the store does not tell how it keeps what it accepts")
        return
    if options.get("appendonly") != "yes":
        rest = "only what its last dump has" if options.get("save") else "nothing"
        text = f"after a restart the store has {rest}: set appendonly yes"
        yield Check("durability", "wrong", text)
    elif options.get("appendfsync") != "always":
        text = "accepted articles can be lost when the machine stops: set appendfsync always"
        yield Check("durability", "note", text)
    else:
        yield Check("durability", "ok", "what was accepted survives a crash and a power cut")
    policy = options.get("maxmemory-policy", "")
    if policy.startswith("allkeys"):
        limited = options.get("maxmemory", "0") != "0"  # without a limit nothing is dropped
        text = f"maxmemory-policy {policy} drops articles when memory is short: set noeviction"
        yield Check("memory", "wrong" if limited else "note", text)
