"""A process's copy of a site: corpus, rules and settings, current before every answer."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import structlog

from features.addresses import normalize_url
from features.article import Article
from recommender.articles import StoredArticle
from recommender.errors import NotFound, StoreUnavailable
from recommender.index.arrays import Arrays
from recommender.index.corpus import Corpus
from recommender.index.files import IndexFile, IndexFiles
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import NeedsCards
from recommender.policy.ranking_model import DEFAULTS, RankingModel
from recommender.policy.rule_set import NO_RULES, RuleSet
from recommender.policy.site_settings import NO_SETTINGS, SiteSettings, Surfaces
from recommender.replica.holdings import Holdings
from recommender.replica.index_files import ReplicaFiles, is_large, state_of
from recommender.storage.change_log import ArchiveChange, SiteState, changed_articles
from recommender.storage.store import BATCH, Store

log = structlog.get_logger()

BUSY_WAIT_SECONDS = 2.0  # for another thread that uses or changes the corpus
LOADING_WAIT_SECONDS = 0.1  # for one that loads it, which can take a minute
RETRIES = 20  # a write between corpus and cards is rare; many in a row are a bulk import
REMEMBERED_URLS = 20_000
# Readers wait while the first file of an archive is built; without it they would wait longer.
BUILD_FIRST_FROM = 20_000

Result = TypeVar("Result")


class Policies(NamedTuple):
    """The decisions of the editors and admins of a site."""

    rules: RuleSet
    settings: SiteSettings


NO_POLICIES = Policies(NO_RULES, NO_SETTINGS)
NOTHING_LOADED = SiteState(-1, "")


class SiteReplica:
    """
    One site in one process.

    Every list is made from corpus, rules and settings of the state that the store had when the
    request came, or of a later one. So a list never misses an acknowledged write.

    Thread-safe: one thread at a time uses or changes the corpus.

    Args:
        files: index files to start from, instead of reading all articles from the store.
        build: builds an index file in another process, and returns whether there is one now.

    Attributes:
        sampling: held while a comparison of settings takes a sample.
    """

    def __init__(
        self,
        site: str,
        store: Store,
        model: RankingModel = DEFAULTS,
        files: IndexFiles | None = None,
        build: Callable[[], bool] | None = None,
    ) -> None:
        self.site = site
        self.sampling = threading.Lock()
        self._store = store
        self._model = model
        self._files = ReplicaFiles(site, store, files, build)
        self._lock = threading.Lock()
        self._state: SiteState = NOTHING_LOADED
        self._rules_version = -1
        self._ids_by_url: dict[str, str] = {}
        self._replace(self._new_corpus(), NO_POLICIES)

    @property
    def loaded(self) -> bool:
        return self._state is not NOTHING_LOADED

    @property
    def state(self) -> SiteState:
        """The state that the corpus was last brought to; of version -1 before the first time."""
        return self._state

    @property
    def version(self) -> int:
        return self._state.version

    @property
    def file_number(self) -> int | None:
        """Of the index file that the corpus started from, if it was one."""
        return self._files.current.number if self._files.current else None

    def now(self) -> datetime:
        """The time by the clock of the store, which decides what is published."""
        return self._store.clock.now()

    def has_surface(self, name: str) -> bool:
        """Whether this surface has settings, as of `state` or later."""
        return name in self._recommender.surfaces

    def list_defaults(self, surface: str | None) -> Mapping[str, Any]:
        """The options of lists whose requests set none, as of `state` or later."""
        return self._recommender.surfaces.of(surface).defaults

    def read(self, ask: Callable[[Recommender], Result]) -> tuple[Result, int]:
        """
        Ask the pipeline about the present state of the site, and return the version of that state.

        Slots in the result are valid only inside *ask*, because the corpus may change after that.
        """
        with self._locked():
            self._catch_up()
            return ask(self._recommender), self.version

    def read_with_cards(
        self, rank: Callable[[Recommender], NeedsCards[Result]]
    ) -> tuple[Result, int]:
        """
        Ask the pipeline, join the cards of the same state, and return its version too.

        Under a constant stream of writes the cards may stay newer than the corpus. Such a list is
        right too, but other workers' lists of that version may differ from it.

        Raises:
            NotFound: when *rank* does, or the source of the list has been deleted.
        """
        with self._locked():
            if self._store.change_log.known_state(self.site) == self._state:
                # The cards come with the state of the store. It confirms the known state, which
                # saves a request. An article that is not there may be new.
                with suppress(NotFound):
                    joined, is_current = self._join(rank)
                    if is_current:
                        return joined, self.version
            for _ in range(RETRIES):
                self._catch_up()
                joined, is_current = self._join(rank)
                if is_current:
                    return joined, self.version
            self._catch_up()
            return self._join(rank)[0], self.version

    def sync(self) -> None:
        """Bring the corpus to the state of the store."""
        with self._locked():
            self._catch_up()

    @property
    def needs_file(self) -> bool:
        """Whether to build a new index file, see `ReplicaFiles.pays`."""
        return self._files.pays(self._corpus.index)

    def adopt(self) -> None:
        """
        Switch to a newer index file if there is one that fits.

        Its corpus is brought up to date before the switch, so readers hardly wait.
        """
        opened = self._files.newer()
        if opened is None:
            return
        newer = SiteReplica(self.site, self._store, self._model)
        newer._start_from(opened)
        newer.sync()
        with self._locked():
            newer.sync()  # or changes that this replica has seen since would be lost
            if newer._files.current is opened:  # the store was not put back meanwhile
                self._take_over(newer)
        newer._replace(self._new_corpus(), NO_POLICIES)  # or the file would stay open
        self._files.delete_unused()

    def publish(self) -> int | None:
        """
        Write a new index file and return its number, or None when the current one is up to date.

        Raises:
            OSError: when it cannot be written.
        """
        with self._locked():
            return self._files.publish(self._corpus, self._state)

    def holdings(self, now: datetime) -> Holdings:
        """What the archive is made of."""
        with self._locked():
            self._catch_up()
            return Holdings.of(self._corpus, self.version, now)

    def ids(self) -> list[str]:
        """The ids of all articles, ascending, as of `state`."""
        with self._locked():
            return self._corpus.all_ids()

    def known(self, article_ids: Iterable[str]) -> set[str]:
        """Those of *article_ids* that the site has, as of `state`."""
        if not self.loaded:
            self.sync()
        return {one for one in article_ids if self._corpus.index.slot(one) is not None}

    def texts(self, article_ids: Iterable[str]) -> dict[str, Article]:
        """The whole articles of these ids, as far as the store has them."""
        articles = {}
        for article_id in article_ids:
            fields = self._store.article(self.site, article_id)
            if fields is not None:
                articles[article_id] = Article.model_construct(**fields)
        return articles

    def id_of_url(self, url: str) -> str | None:
        """The id of the article at *url*; while the store is away, the one it last returned."""
        address = normalize_url(url)  # or made-up parameters would leave no room for other pages
        try:
            article_id = self._store.id_of_url(self.site, url)
        except StoreUnavailable:
            if address not in self._ids_by_url:
                raise
            return self._ids_by_url[address]
        if article_id is not None and len(self._ids_by_url) < REMEMBERED_URLS:
            self._ids_by_url[address] = article_id
        return article_id

    def may_show(self, article_ids: tuple[str, ...], now: datetime) -> bool:
        """
        Whether a stale copy of a list may be shown, as of `state`.

        Args:
            article_ids: what the list shows, and the article that it belongs to first, if there is
                one. All of them must be there, published, and neither hidden nor blocked.
        """
        corpus = self._corpus
        slots = corpus.slots(article_ids)
        if slots.size < len(article_ids) or not corpus.facets.all_published(slots, now):
            return False
        if not article_ids:
            return True
        sections = [corpus.facets.of(slot).section for slot in slots.tolist()]
        own = sections[0][0] if sections[0] else None
        rules = self._recommender.rules.for_list(article_ids[0], own, now)
        if rules.silenced or any(i in rules.hidden or i in rules.blocked for i in article_ids):
            return False
        shown = chain.from_iterable(sections[1:])
        return not any(section in rules.blocked_sections for section in shown)

    def _join(self, rank: Callable[[Recommender], NeedsCards[Result]]) -> tuple[Result, bool]:
        """A result with its cards, and whether they are of the state of the corpus."""
        ranked = rank(self._recommender)
        slots = list(ranked.slots())
        ids = self._corpus.ids(slots)
        state, cards = self._store.cards_with_state(self.site, ids)
        by_slot = {slot: cards[i] for slot, i in zip(slots, ids, strict=True) if i in cards}
        return ranked.with_cards(self._corpus, by_slot), state == self._state

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self._lock.acquire(
            timeout=BUSY_WAIT_SECONDS if self.loaded else LOADING_WAIT_SECONDS
        ):
            raise StoreUnavailable("the archive is still being loaded")
        try:
            yield
        finally:
            self._lock.release()

    def _catch_up(self) -> None:
        state = self._store.change_log.state(self.site)
        has_advanced = self.version < state.version or self._state == state
        if not (self.loaded and has_advanced):
            self._load()
        # Rules may have been read at a later version than articles; then those catch up too.
        while self.version < max(state.version, self._rules_version):
            changes = self._store.change_log.changes(self.site, *self._state, BATCH)
            if not changes:  # also when the store was emptied, or put back to an older copy
                self._read_all()
                return
            self._apply(changes)

    def _apply(self, changes: list[ArchiveChange]) -> None:
        ids = changed_articles(changes)
        # The present content of the store counts, not the log entry: an article that was deleted
        # since is missing in the store, and its deletion comes later in the log.
        stored = self._store.stored(self.site, ids)
        self._corpus.apply(stored, [i for i in ids if i not in stored])
        if any(change.is_about_rules for change in changes):
            self._apply_policies(self._recommender, self._read_policies())
        self._state = SiteState(changes[-1].version, changes[-1].at)

    def _load(self) -> None:
        """Start from the newest index file or, where none fits, from the store."""
        opened = self._files.newest()
        if opened is None:
            self._read_all()
        else:
            self._start_from(opened)

    def _start_from(self, opened: IndexFile) -> None:
        self._replace(self._new_corpus(opened.arrays), self._read_policies())
        self._files.current = opened
        self._state = state_of(opened)
        log.info("index file opened", site=self.site, number=opened.number, version=self.version)

    def _read_all(self) -> None:
        """Read every article; many of them through an index file, which all workers share."""
        state = self._store.change_log.state(self.site)
        articles: dict[str, StoredArticle] = {}
        for batch in self._store.all_stored(self.site):
            articles |= batch
            if len(articles) >= BUILD_FIRST_FROM and (built := self._files.built()) is not None:
                self._start_from(built)
                return
        corpus = self._new_corpus()
        corpus.apply(articles)
        if is_large(len(articles)):
            corpus = self._new_corpus(corpus.arrays())  # half the memory, and twice as fast
        self._replace(corpus, self._read_policies())
        self._state = state
        self._files.current = None
        log.info("archive loaded", site=self.site, articles=len(articles), version=state.version)

    def _take_over(self, newer: "SiteReplica") -> None:
        self._replace(newer._corpus, newer._policies)
        self._files.current = newer._files.current
        newer._files.current = None
        self._state = newer._state
        self._rules_version = newer._rules_version

    def _new_corpus(self, base: Arrays | None = None) -> Corpus:
        # Not a bound method: a corpus that refers to its replica is freed only by the garbage
        # collector, and holds a lot of memory until then.
        return Corpus(partial(self._store.stored, self.site), base)

    def _read_policies(self) -> Policies:
        book = self._store.rulebook.read(self.site)
        self._rules_version = book.version
        return Policies(RuleSet(book.rules.values()), book.settings)

    def _replace(self, corpus: Corpus, policies: Policies) -> None:
        recommender = Recommender(corpus, self._model)
        self._apply_policies(recommender, policies)
        # `may_show` and others look at these two without the lock.
        self._corpus = corpus
        self._recommender = recommender

    def _apply_policies(self, recommender: Recommender, policies: Policies) -> None:
        self._policies = policies
        recommender.rules = policies.rules
        recommender.surfaces = Surfaces(policies.settings, self._model)
