"""Which article does somebody mean who types a few letters of it?"""

import threading
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from heapq import nsmallest
from itertools import chain
from typing import NamedTuple

from recommender.articles import Card
from recommender.errors import StoreUnavailable
from recommender.storage.change_log import ArchiveChange, SiteState, changed_articles
from recommender.storage.store import BATCH, Store

WAIT_SECONDS = 5.0


class Entry(NamedTuple):
    """
    What is looked through of one article.

    Fields:
        title: case and accents taken off, with a space before it.
        rest: id and address, the same way.
        published_at: seconds since 1970; 0 when there is no date.
    """

    title: str
    rest: str
    section: str
    published_at: float


class Found(NamedTuple):
    """One page of article ids, and how many there are in all."""

    ids: list[str]
    total: int


class Finder:
    """
    The titles, ids and addresses of a site, in memory, brought up to the store before each look.

    They are read when somebody first asks: an editor's process pays for them, and no other (some
    500 bytes an article; 100,000 take 60 ms to look through). Thread-safe.
    """

    def __init__(self, site: str, store: Store) -> None:
        self.site = site
        self._store = store
        self._lock = threading.Lock()
        self._state = SiteState(-1, "")
        self._entries: dict[str, Entry] = {}

    def find(
        self,
        typed: str = "",
        section: str | None = None,
        among: Collection[str] | None = None,
        offset: int = 0,
        limit: int = 30,
    ) -> Found:
        """
        Articles that hold every word of *typed* in title, id or address, as parts of words too;
        those with all of them at the start of words of the title first, then the newest first.

        Args:
            section: only of this one, in any case.
            among: only these ids; None for all.
        """
        words = folded(typed).split()
        wanted = section.casefold() if section else None
        entries = self._read_up()
        ids = entries if among is None else [i for i in among if i in entries]
        found = [
            (*_order(entry, words), article_id)
            for article_id in ids
            if _fits(entry := entries[article_id], words, wanted)
        ]
        first = nsmallest(offset + limit, found)
        return Found([i for *_, i in first[offset:]], len(found))

    def sections(self) -> list[tuple[str, int]]:
        """Sections, in any case the same, and their number of articles, the largest first."""
        spelt = Counter(e.section for e in self._read_up().values() if e.section)
        counts: Counter[str] = Counter()
        for name, count in spelt.items():
            counts[name.casefold()] += count
        # Of several spellings the most frequent; it stands last among them, and stays.
        usual = {name.casefold(): name for name, _ in reversed(spelt.most_common())}
        return [(usual[name], count) for name, count in counts.most_common()]

    def _read_up(self) -> Mapping[str, Entry]:
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            raise StoreUnavailable("the titles are still being read")
        try:
            state = self._store.change_log.state(self.site)
            if state != self._state:
                changes = self._changes(state)
                self._entries = self._read_all() if changes is None else self._updated(changes)
                self._state = state
            return self._entries
        finally:
            self._lock.release()

    def _read_all(self) -> dict[str, Entry]:
        return dict(
            chain.from_iterable(_entries(b).items() for b in self._store.all_cards(self.site))
        )

    def _changes(self, state: SiteState) -> list[ArchiveChange] | None:
        """What happened since the last look; None when that cannot be told."""
        before = self._state
        return self._store.change_log.changes(self.site, *before) if before.version >= 0 else None

    def _updated(self, changes: Iterable[ArchiveChange]) -> dict[str, Entry]:
        ids = changed_articles(changes)
        entries = dict(self._entries)  # whoever reads the old ones goes on reading those
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            cards = self._store.cards(self.site, batch)
            for article_id in batch:
                entries.pop(article_id, None)
            entries |= _entries(cards)
        return entries


def folded(text: str) -> str:
    """Without case and accents, so that "cafe" finds "Café"."""
    # Twice: "ℐ" has a capital inside, and small "ŉ" becomes two letters.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _entries(cards: Mapping[str, Card]) -> dict[str, Entry]:
    return {article_id: _entry(card) for article_id, card in cards.items()}


def _entry(card: Card) -> Entry:
    date = card["published_at"]
    return Entry(
        " " + folded(card["title"]),
        folded(f"{card['id']} {card['url'] or ''}"),
        card["section"] or "",
        datetime.fromisoformat(date).timestamp() if date else 0.0,
    )


def _fits(entry: Entry, words: list[str], section: str | None) -> bool:
    if section is not None and entry.section.casefold() != section:
        return False
    return all(word in entry.title or word in entry.rest for word in words)


def _order(entry: Entry, words: list[str]) -> tuple[bool, float]:
    """What sorts the best first."""
    return not all(f" {word}" in entry.title for word in words), -entry.published_at
