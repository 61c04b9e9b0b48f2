"""What a caller may ask of a list."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Literal

ANY_LANGUAGE = "any"
SHOWN_DIGEST_BYTES = 6
SPARE = 5
DEFAULT_LIMIT = 5

Mode = Literal["balanced", "background", "followup", "recent"]
StoryPolicy = Literal["best", "newest", "original"]


@dataclass(frozen=True, slots=True)
class ListOptions:
    """
    What a caller may ask of a list. Values of one field are alternatives, fields add up.

    A `timedelta` as a date means that long ago. None means not said: what the site's settings
    say then holds, and after them its ranking model; for `languages` it is the source's own.

    Fields:
        surface: which of the site's settings are meant, see `recommender.policy.site_settings`.
        max_age: as `published_after`, but evergreen articles may be older.
        shown: digests (see `shown_digest`) of what other boxes of the page show.
        min_score: least similarity of a related article; None is the site's own threshold.
        fallback: fill a short list up with what is less related, or only recent.
        trace: tell too what did not get in, and why.
    """

    surface: str | None = None
    limit: int | None = None
    offset: int = 0
    sections: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    authors: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    shown: frozenset[bytes] = frozenset()
    published_after: datetime | timedelta | None = None
    published_before: datetime | timedelta | None = None
    max_age: timedelta | None = None
    mode: Mode | None = None
    half_life: timedelta | None = None
    diversity: float | None = None
    story: StoryPolicy | None = None
    max_per_section: int | None = None
    max_per_author: int | None = None
    max_per_source: int | None = None
    sort: Literal["score", "published_at"] | None = None
    min_score: float | None = None
    fallback: bool | None = None
    trace: bool = False

    @property
    def last_place(self) -> int:
        """How many places the list must fill for this page."""
        return self.offset + (DEFAULT_LIMIT if self.limit is None else self.limit)

    @property
    def depth(self) -> int:
        """Some places more, because a card is missing while its article is being deleted."""
        return self.last_place + SPARE

    @property
    def fills_up(self) -> bool:
        return self.fallback is not False


def shown_digest(article_id: str) -> bytes:
    """What stands for an article in a page token: 48 bits, so two of a page are never mixed up."""
    return blake2b(article_id.encode(), digest_size=SHOWN_DIGEST_BYTES).digest()
