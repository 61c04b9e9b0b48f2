"""What a process needs of the store, built once from the settings."""

import sys
from contextlib import ExitStack
from typing import Self

from recommender.article_defaults import ArticleDefaults
from recommender.config import Settings
from recommender.disk_space import DiskSpace
from recommender.storage.access import Keys
from recommender.storage.change_signal import ChangeSignal
from recommender.storage.connections import Connection
from recommender.storage.embedded import lease
from recommender.storage.evaluations import Evaluations
from recommender.storage.events import EventCounts
from recommender.storage.formats import Formats, claim_quietly
from recommender.storage.imports import ImportLog
from recommender.storage.sessions import Sessions
from recommender.storage.store import Store
from recommender.storage.surveys import Surveys


class StoreAccess:
    """
    Connections, store, keys and counts of one process.

    Use it in a `with` block, or `close` it.

    Without `redis_url` it shares the embedded servers of `data_dir`, store and cache, and starts
    them if necessary.

    Args:
        accept_old: also archives that this version has to analyse again before it can serve them.

    Raises:
        EmbeddedServerError: when the embedded server cannot start.
        ConfigurationError: when this version cannot read what the store has.
    """

    def __init__(self, settings: Settings, accept_old: bool = False) -> None:
        self.settings = settings
        self._stack = ExitStack()
        store_url, cache_url = self._server_urls()
        # The disk of a server elsewhere is unknown.
        disk = DiskSpace(settings.data_dir) if settings.redis_url is None else None
        connection = self._connect(store_url, self._signal(), disk)
        self.connection = connection
        self.cache_connection = self._connect(cache_url) if cache_url else connection
        hosts = {name: settings.hosts_of(name) for name in settings.sites}
        self.store = Store(connection, hosts)
        self.clock = self.store.clock
        self.formats = Formats(connection)
        try:
            claim_quietly(self.formats, settings.sites, accept_old)
        except BaseException:
            # A `with` block does not close what could not be built.
            self.close()
            raise
        self.defaults = ArticleDefaults(self.store, settings)
        self.keys = Keys(connection)
        self.sessions = Sessions(connection)
        self.events = EventCounts(connection)
        self.evaluations = Evaluations(connection)
        self.imports = ImportLog(connection)
        self.surveys = Surveys(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stack.close()

    def _server_urls(self) -> tuple[str, str | None]:
        """Of the store, and of the cache; None for a cache in the store."""
        cache = self.settings.cache_url
        cache_url = None if cache is None else cache.get_secret_value()
        if self.settings.redis_url is not None:
            return self.settings.redis_url.get_secret_value(), cache_url
        held = lease(self.settings.data_dir)
        self._stack.callback(held.close)
        return held.url, cache_url or held.cache_url

    def _signal(self) -> ChangeSignal | None:
        if sys.platform == "win32":  # without os.pread and os.pwrite
            return None
        signal = ChangeSignal(self.settings.data_dir / "change-signal")
        self._stack.callback(signal.close)
        return signal

    def _connect(
        self, url: str, signal: ChangeSignal | None = None, disk: DiskSpace | None = None
    ) -> Connection:
        # A connection for every thread, the follower, a survey, and one to spare.
        patience = self.settings.store_timeout_seconds
        connection = Connection(url, self.settings.threads + 3, signal, patience, disk)
        self._stack.callback(connection.close)
        return connection
