"""What became of a list: what came, what went, what rose and what fell."""

from collections.abc import Sequence
from typing import NamedTuple


class Move(NamedTuple):
    """One article of two lists, with its places in them, from 1; None where it has none."""

    article_id: str
    was: int | None
    now: int | None

    @property
    def told(self) -> str:
        if self.was is None:
            return "new"
        if self.now is None:
            return "gone"
        risen = self.was - self.now
        return "" if not risen else f"up {risen}" if risen > 0 else f"down {-risen}"


def moves(before: Sequence[str], after: Sequence[str]) -> list[Move]:
    """The articles of the list *after* in its order, then those that are gone."""
    was = {article_id: place for place, article_id in enumerate(before, 1)}
    now = {article_id: place for place, article_id in enumerate(after, 1)}
    ids = [*after, *(article_id for article_id in before if article_id not in now)]
    return [Move(article_id, was.get(article_id), now.get(article_id)) for article_id in ids]
