"""
Which versions of the analyzer made the features of a site's articles.

    see:{site}:format            hash: `oldest` and `newest` features version in the store
    see:{site}:format:progress   articles checked and to check while a site is upgraded; expires

This version reads the features of the one before it and serves lists from them, while a builder
analyses the stored texts again in the background. Features that are older still, or newer, cannot
be read: then the program refuses to start, instead of serving a site without articles.
"""

import time
from collections.abc import Iterable
from typing import NamedTuple

from features.vectorizer import FEATURES_VERSION
from recommender.errors import ConfigurationError, StoreUnavailable
from recommender.storage.article_records import site_key
from recommender.storage.connections import Connection

FORMER_VERSION = FEATURES_VERSION - 1
# The version of archives from before this record was kept.
UNRECORDED_VERSION = 3
ASK_AGAIN_SECONDS = 5.0
PROGRESS_SECONDS = 60  # after which an upgrade that reports nothing counts as stopped


class UpgradeProgress(NamedTuple):
    """Of a site whose articles are being analysed again."""

    checked: int
    articles: int


class Formats:
    """The records of all sites. Every method may raise `StoreUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._current: set[str] = set()
        self._ask_again: dict[str, float] = {}

    def claim(self, sites: Iterable[str], accept_old: bool = False) -> None:
        """
        Record that this version writes to the sites from now on.

        Args:
            accept_old: also features that this version cannot read, to analyse them again.

        Raises:
            ConfigurationError: a site has features that this version cannot read.
        """
        for site in sites:
            oldest, newest = self._read(site)
            if newest > FEATURES_VERSION:
                raise ConfigurationError(_newer(site, newest))
            if oldest < FORMER_VERSION and not accept_old:
                raise ConfigurationError(_too_old(site, oldest))
            if newest < FEATURES_VERSION or not self._is_recorded(site):
                self._write(site, oldest)

    def is_outdated(self, site: str) -> bool:
        """Whether the store may have features of an earlier version; asks now and then."""
        if site in self._current or time.monotonic() < self._ask_again.get(site, 0.0):
            return False
        self._ask_again[site] = time.monotonic() + ASK_AGAIN_SECONDS
        oldest, _ = self._read(site)
        if oldest >= FEATURES_VERSION:
            self._current.add(site)
        return oldest < FEATURES_VERSION

    def finish(self, site: str) -> None:
        """Record that all features of the site are of this version."""
        self._write(site, FEATURES_VERSION)
        with self._connection.using("write") as client:
            client.unlink(_progress_key(site))

    def report(self, site: str, checked: int, articles: int) -> None:
        with self._connection.using("write") as client:
            client.set(_progress_key(site), f"{checked} {articles}", ex=PROGRESS_SECONDS)

    def progress(self, site: str) -> UpgradeProgress | None:
        """The progress of an upgrade; None when none is running."""
        with self._connection.using("read") as client:
            record = client.get(_progress_key(site))
        numbers = (record or b"").split()
        if len(numbers) != 2 or not all(number.isdigit() for number in numbers):
            return None
        return UpgradeProgress(*map(int, numbers))

    def _read(self, site: str) -> tuple[int, int]:
        """The oldest and the newest features version of the site."""
        with self._connection.using("read") as client:
            pipeline = client.pipeline(transaction=True)
            pipeline.hmget(site_key(site, "format"), "oldest", "newest")
            pipeline.exists(site_key(site, "heads"))
            (oldest, newest), has_articles = pipeline.execute()
        # A site without a record is new, or older than these records.
        unrecorded = UNRECORDED_VERSION if has_articles else FEATURES_VERSION
        return _number(oldest, unrecorded), _number(newest, unrecorded)

    def _is_recorded(self, site: str) -> bool:
        with self._connection.using("read") as client:
            return bool(client.exists(site_key(site, "format")))

    def _write(self, site: str, oldest: int) -> None:
        record = {"oldest": oldest, "newest": FEATURES_VERSION}
        with self._connection.using("write") as client:
            client.hset(site_key(site, "format"), mapping=record)


def claim_quietly(formats: Formats, sites: Iterable[str], accept_old: bool = False) -> None:
    """`claim`, if the store is available; otherwise the service starts without a claim."""
    try:
        formats.claim(sites, accept_old)
    except StoreUnavailable:
        return


def _number(record: bytes | None, unrecorded: int) -> int:
    return int(record) if record is not None and record.isdigit() else unrecorded


def _progress_key(site: str) -> str:
    return site_key(site, "format", "progress")


def _newer(site: str, newest: int) -> str:
    return (
        f"site {site}: a newer Also See wrote its features (version {newest}; this one reads up to"
        f" {FEATURES_VERSION}). Install that version, or restore a backup from before the upgrade."
    )


def _too_old(site: str, oldest: int) -> str:
    return (
        f"site {site}: its features are of version {oldest}, and this Also See reads"
        f" {FORMER_VERSION} and {FEATURES_VERSION}. Run `alsosee reindex --site {site}` first."
    )
