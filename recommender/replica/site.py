"""A worker's view of a site: its corpus, brought up to the store's version before every answer."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from features.article import Article
from features.boilerplate import LEAST_SHARE_LEFT, LEAST_TERMS_LEFT, LIMITS
from features.language import UNKNOWN
from features.vectorizer import FEATURES_VERSION, IDF_FADE, TWO_WORD_WEIGHT
from recommender.articles import UNDATED, Card, StoredArticle
from recommender.errors import NotFound, StoreUnavailable, TooManyRequests
from recommender.index.arrays import Arrays
from recommender.index.corpus import Corpus
from recommender.index.files import IndexFile, IndexFiles
from recommender.index.postings import FORMAT
from recommender.pipeline.compare import (
    Compared,
    ListFigures,
    Sampled,
    compared,
    figures_of_both,
    sample,
    sampled,
)
from recommender.pipeline.duplicates import Duplicate
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import Explanation, RelatedList
from recommender.policy.list_options import ListOptions
from recommender.policy.ranking_model import DEFAULTS, RankingModel
from recommender.policy.rule_set import NO_RULES, RuleSet
from recommender.policy.site_settings import NO_SETTINGS, ListDefaults, SiteSettings, Surfaces
from recommender.sources.urls import normalize_url
from recommender.storage.change_log import ArchiveChange, SiteState, changed_articles
from recommender.storage.store import BATCH, Store

log = structlog.get_logger()

LOADING_WAIT_SECONDS = 2.0
RETRIES = 20  # a write between corpus and cards is rare, twenty in a row are a bulk import
REMEMBERED_URLS = 20_000
FILE_FROM = 2_000  # articles; fewer are read in half a second, and take 10 MB
# Readers wait while the first file of an archive is made, and for so many articles longer without.
BUILD_FIRST_FROM = 20_000
# Or whoever just let go of a lock takes it again before a reader who waits for it is awake.
GIVE_WAY_SECONDS = 0.0005
SAMPLING_SECONDS = 8.0
SCATTERED_SHARE = 0.1
# What a file depends on besides the articles.
MADE_BY = {
    "format": FORMAT,
    "features": FEATURES_VERSION,
    "weights": [TWO_WORD_WEIGHT, IDF_FADE],
    "boilerplate": [*LIMITS, LEAST_TERMS_LEFT, LEAST_SHARE_LEFT],
}


class Holdings(NamedTuple):
    """
    What an archive is made of.

    Fields:
        languages, sections: (case-folded) value → how many articles have it.
        published: of every article, shape (articles,), int64, microseconds since 1970 UTC;
            `UNDATED` without a date.
        out: how many are out.
        newest: id of the article that came out last; None when none is out.
    """

    version: int
    languages: Mapping[str, int]
    sections: Mapping[str, int]
    published: NDArray[np.int64]
    out: int
    newest: str | None


Made = TypeVar("Made")


class Decided(NamedTuple):
    """What the editors of the site decided."""

    rules: RuleSet
    settings: SiteSettings


NOTHING_DECIDED = Decided(NO_RULES, NO_SETTINGS)
NOTHING_READ = SiteState(-1, "")


class SiteReplica:
    """
    One site in one worker. Every list is made from corpus, rules and settings at the version that
    the store had when the request came, or later: a write that was acknowledged is never missed.

    Thread-safe: one thread at a time changes or asks the corpus.

    Args:
        files: where the corpus starts from, if one fits, instead of reading all articles.
        build: has a file made by another process, and tells whether there is one now.
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
        self._store = store
        self._model = model
        self._files = files
        self._build = build
        self._file: IndexFile | None = None
        self._misfit: tuple[int, int] | None = None  # the `latest` file, when it was of no use
        self._lock, self._sampling = threading.Lock(), threading.Lock()
        self._state: SiteState = NOTHING_READ
        self._cards_state: SiteState | None = None
        self._rules_version = -1
        self._asked_urls: dict[str, str] = {}
        self._reset(self._new_corpus(), NOTHING_DECIDED)

    @property
    def loaded(self) -> bool:
        return self._state is not NOTHING_READ

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
        return self._file.number if self._file else None

    def has_surface(self, name: str) -> bool:
        """Whether the settings, as of `state` or later, say something of this surface."""
        return name in self._recommender.surfaces

    def list_defaults(self, surface: str | None) -> Mapping[str, Any]:
        """The options of lists that ask for nothing, as of `state` or later."""
        return self._recommender.surfaces.of(surface).defaults

    def related(
        self, article_id: str, options: ListOptions, now: datetime
    ) -> tuple[RelatedList, int]:
        """The list beside a stored article, and the version it was made from."""
        return self._made(lambda recommender: recommender.related(article_id, options, now))

    def related_to(
        self,
        draft: StoredArticle,
        options: ListOptions,
        now: datetime,
        draft_of: str | None = None,
    ) -> tuple[RelatedList, int]:
        """The list beside a draft, by the rules for the article *draft_of*."""
        return self._made(lambda maker: maker.related_to(draft, options, now, draft_of))

    def linking_to(
        self, draft: StoredArticle, options: ListOptions, now: datetime, draft_of: str
    ) -> tuple[RelatedList, int]:
        """The articles that could link to a draft, by their own rules."""
        return self._made(lambda maker: maker.linking_to(draft, options, now, draft_of))

    def duplicates(self, draft: StoredArticle, now: datetime, draft_of: str) -> list[Duplicate]:
        """The published articles that tell a draft's story in the same words."""
        with self._alone():
            self._catch_up()
            return self._recommender.duplicates(draft, now, draft_of)

    def standing(
        self, article_id: str, target_id: str, options: ListOptions, now: datetime
    ) -> Explanation:
        """Where one article stands beside another, or why it does not."""
        with self._alone():
            self._catch_up()
            return self._recommender.standing(article_id, target_id, options, now)

    def compared(
        self, article_id: str, a: ListDefaults, b: ListDefaults, now: datetime
    ) -> tuple[Compared, int]:
        """
        The lists beside a stored article by two settings that need not be stored.

        Raises:
            NotFound: when the site has no such article.
        """
        return self._made(lambda maker: compared(maker, article_id, a, b, now))

    def sampled(self, a: ListDefaults, b: ListDefaults, size: int, now: datetime) -> Sampled:
        """
        As `compared`, in figures over *size* articles, or as many as `SAMPLING_SECONDS` allow;
        readers wait for two lists at most.

        Raises:
            TooManyRequests: while another one is taken in this process.
        """
        if not self._sampling.acquire(blocking=False):
            raise TooManyRequests("settings are being compared already; try again in a moment")
        try:
            return sampled(list(self._pairs(self.sample(size, now), a, b, now)))
        finally:
            self._sampling.release()

    def _pairs(
        self, article_ids: Iterable[str], a: ListDefaults, b: ListDefaults, now: datetime
    ) -> Iterator[tuple[ListFigures, ListFigures]]:
        until = time.monotonic() + SAMPLING_SECONDS
        for article_id in article_ids:
            with suppress(NotFound):  # deleted since
                yield self._figures(article_id, a, b, now)
            if time.monotonic() > until:
                return
            time.sleep(GIVE_WAY_SECONDS)

    def sample(self, size: int, now: datetime) -> list[str]:
        """Ids of articles that stand for all, as `comparison.sample` takes them."""
        with self._alone():
            self._catch_up()
            return sample(self._corpus, size, now)

    def _figures(
        self, article_id: str, a: ListDefaults, b: ListDefaults, now: datetime
    ) -> tuple[ListFigures, ListFigures]:
        def make(maker: Recommender) -> tuple[ListFigures, ListFigures]:
            return figures_of_both(maker, self._corpus, article_id, a, b, now)

        return self._made(make)[0]

    def texts(self, article_ids: Iterable[str]) -> dict[str, Article]:
        """The whole articles of these ids, as far as they are there."""
        found = {i: self._store.article(self.site, i) for i in article_ids}
        return {i: Article.model_construct(**fields) for i, fields in found.items() if fields}

    def recent(self, options: ListOptions, now: datetime) -> tuple[RelatedList, int]:
        """The newest articles."""
        return self._made(lambda recommender: recommender.recent(options, now))

    def sync(self) -> None:
        """Bring the corpus to the store's version."""
        with self._alone():
            self._catch_up()

    @property
    def needs_file(self) -> bool:
        """
        Whether a new file pays: a large archive has none that fits, as after an upgrade, or much
        came and went since it was made.
        """
        index = self._corpus.index
        if self._files is not None and self._file is None and len(index) >= FILE_FROM:
            return True
        moved = index.delta_slots + index.slots - len(index)
        return moved > max(FILE_FROM, SCATTERED_SHARE * len(index))

    def adopt(self) -> None:
        """
        Go over to a newer file if there is one.

        Its corpus is brought up to date beside the present one, so readers hardly wait.
        """
        if self._files is None:
            return
        latest, number = self._files.latest(), self.file_number or 0
        if latest[0] <= number or latest == self._misfit:
            return
        opened = self._files.newest(after=number)
        if opened is None or not self._fits(opened):
            self._misfit = latest  # to open and check it takes long, and it will never fit
            return
        newer = SiteReplica(self.site, self._store, self._model)
        newer._start_from(opened)
        newer.sync()
        with self._alone():
            newer.sync()  # so that nothing is forgotten that was heard meanwhile
            if newer._file is opened:  # and the store was not put back meanwhile
                self._take_over(newer)
        newer._reset(self._new_corpus(), NOTHING_DECIDED)  # or the file would stay open with it
        self._files.delete_unused()

    def publish(self) -> int | None:
        """
        Write a new file and return its number, or None when the one in use is up to date.

        Raises:
            OSError: when that cannot be written.
        """
        assert self._files is not None  # noqa: S101
        with self._alone():
            if self._file is not None and _state_of(self._file) == self._state:
                return None
            return self._files.publish(self._corpus.arrays(), self._state._asdict() | MADE_BY)

    def holdings(self, now: datetime) -> Holdings:
        """What the archive is made of."""
        with self._alone():
            self._catch_up()
            facets = self._corpus.facets
            languages = facets.value_counts("language")
            del languages[UNKNOWN]
            out = facets.published_between(None, None, now)
            dated = np.flatnonzero(out & (facets.published != UNDATED))
            newest = dated[np.argsort(facets.published[dated])][-1:].tolist()
            return Holdings(
                self.version,
                languages,
                facets.value_counts("section"),
                facets.published[self._corpus.index.live],
                int(np.count_nonzero(out)),
                next(iter(self._corpus.ids(newest)), None),
            )

    def ids(self) -> list[str]:
        """The ids of all articles, ascending, as of the last look at the store."""
        with self._alone():
            return self._corpus.all_ids()

    def id_of_url(self, url: str) -> str | None:
        """The id of the article at *url*; while the store is away, as it was last asked."""
        address = normalize_url(url)  # or made-up parameters would leave no room for other pages
        try:
            article_id = self._store.id_of_url(self.site, url)
        except StoreUnavailable:
            if address not in self._asked_urls:
                raise
            return self._asked_urls[address]
        if article_id is not None and len(self._asked_urls) < REMEMBERED_URLS:
            self._asked_urls[address] = article_id
        return article_id

    def may_show(self, article_ids: tuple[str, ...], now: datetime) -> bool:
        """
        Whether a list of these may be shown, by what was last heard of the store: all were
        there, out, and not hidden or blocked. The first may be the article it stands beside.
        """
        corpus = self._corpus
        slots = corpus.slots(article_ids)
        if slots.size < len(article_ids) or not corpus.facets.all_published(slots, now):
            return False
        if not article_ids:
            return True
        sections = [corpus.facets.of(slot).section for slot in slots.tolist()]
        own = sections[0][0] if sections[0] else None
        applied = self._recommender.rules.for_list(article_ids[0], own, now)
        away = any(i in applied.hidden or i in applied.blocked for i in article_ids)
        blocked = any(s in applied.blocked_sections for section in sections[1:] for s in section)
        return not (applied.silenced or away or blocked)

    def known(self, article_ids: Iterable[str]) -> set[str]:
        """Those of *article_ids* that the site has, as this worker last heard."""
        if not self.loaded:
            self.sync()
        return {one for one in article_ids if self._corpus.index.slot(one) is not None}

    def _made(self, make: Callable[[Recommender], Made]) -> tuple[Made, int]:
        """
        Make lists from corpus and cards of one version, and tell that version.

        Under a constant stream of writes cards may stay newer than the corpus. Such a list is
        right too, but other workers' lists of that version may differ from it.
        """
        with self._alone():
            if self._store.change_log.known_state(self.site) == self._state:
                # One question to the store less; its answer comes with the cards.
                self._cards_state = None
                with suppress(NotFound):
                    made = make(self._recommender)
                    if self._cards_state == self._state:
                        return made, self.version
            made = self._try(make)
            for _ in range(RETRIES):
                if self._cards_state == self._state:
                    break
                made = self._try(make)
            return made, self.version

    def _try(self, make: Callable[[Recommender], Made]) -> Made:
        self._catch_up()
        self._cards_state = self._state
        return make(self._recommender)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=LOADING_WAIT_SECONDS):
            raise StoreUnavailable("the archive is still being loaded")
        try:
            yield
        finally:
            self._lock.release()

    def _catch_up(self) -> None:
        state = self._store.change_log.state(self.site)
        has_gone_on = self.version < state.version or self._state == state
        if not (self.loaded and has_gone_on):
            self._load()
        # Rules may have been read at a later version than articles; then those catch up too.
        while self.version < max(state.version, self._rules_version):
            changes = self._store.change_log.changes(self.site, *self._state, BATCH)
            if not changes:  # also of a store that was emptied, or put back to an older copy
                self._read_all()
                return
            self._apply(changes)

    def _apply(self, changes: list[ArchiveChange]) -> None:
        ids = changed_articles(changes)
        # What the store holds now counts, not what each entry says: an article that was
        # deleted since is missing there, and its delete stands further down the log.
        stored = self._store.stored(self.site, ids)
        self._corpus.apply(stored, [i for i in ids if i not in stored])
        if any(change.is_about_rules for change in changes):
            self._decide(self._recommender, self._decided())
        self._state = SiteState(changes[-1].version, changes[-1].at)

    def _load(self) -> None:
        """Start from the newest file or, where none fits, from the store."""
        opened = self._files.newest() if self._files else None
        if opened is not None and self._fits(opened):
            self._start_from(opened)
        else:
            self._read_all()

    def _start_from(self, opened: IndexFile) -> None:
        self._reset(self._new_corpus(opened.arrays), self._decided())
        self._file, self._state = opened, _state_of(opened)
        log.info("index file opened", site=self.site, number=opened.number, version=self.version)

    def _read_all(self) -> None:
        """Read every article; many of them by way of a file, which all workers then share."""
        state = self._store.change_log.state(self.site)
        articles: dict[str, StoredArticle] = {}
        for batch in self._store.all_stored(self.site):
            articles |= batch
            if len(articles) >= BUILD_FIRST_FROM and self._had_built():
                return
        corpus = self._new_corpus()
        corpus.apply(articles)
        if len(articles) >= FILE_FROM:
            corpus = self._new_corpus(corpus.arrays())  # half the memory, and twice as fast
        self._reset(corpus, self._decided())
        self._state, self._file = state, None
        log.info("archive loaded", site=self.site, articles=len(articles), version=state.version)

    def _take_over(self, newer: "SiteReplica") -> None:
        self._reset(newer._corpus, newer._decisions)
        self._file, newer._file = newer._file, None
        self._state, self._rules_version = newer._state, newer._rules_version

    def _had_built(self) -> bool:
        """Have a file made, once, and start from it."""
        build, self._build = self._build, None
        if self._files is None or build is None or not build():
            return False
        opened = self._files.newest()
        if opened is None or not self._fits(opened):
            return False
        self._build = build
        self._start_from(opened)
        return True

    def _new_corpus(self, base: Arrays | None = None) -> Corpus:
        # Not our own method: a corpus that refers to us would wait for the garbage collector.
        return Corpus(partial(self._store.stored, self.site), base)

    def _decided(self) -> Decided:
        book = self._store.rulebook.read(self.site)
        self._rules_version = book.version
        return Decided(RuleSet(book.rules.values()), book.settings)

    def _reset(self, corpus: Corpus, decided: Decided) -> None:
        recommender = Recommender(corpus, self._cards, self._model)
        self._decide(recommender, decided)
        # At once: readers look at rules and surfaces without waiting for us.
        self._corpus, self._recommender = corpus, recommender

    def _decide(self, recommender: Recommender, decided: Decided) -> None:
        self._decisions = decided
        recommender.rules = decided.rules
        recommender.surfaces = Surfaces(decided.settings, self._model)

    def _cards(self, article_ids: Sequence[str]) -> dict[str, Card]:
        state, cards = self._store.cards_with_state(self.site, article_ids)
        if self._cards_state in (None, self._state):  # else some were of another state already
            self._cards_state = state
        return cards

    def _fits(self, opened: IndexFile) -> bool:
        """Whether a file was made from this archive, by this version of the product."""
        if not opened.about.items() >= MADE_BY.items():
            return False
        its, state = _state_of(opened), self._store.change_log.state(self.site)
        if its.version < state.version:
            return its.at == self._store.change_log.accepted_at(self.site, its.version)
        return its == state


def _state_of(opened: IndexFile) -> SiteState:
    """Of the archive that a file was made from."""
    return SiteState(opened.about["version"], opened.about.get("at", ""))
