"""What is in the files of an import, as a whole: fields, dates, languages, what is there twice."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from features.boilerplate import LIMITS, BlockBook
from features.fields import FIELD_ALIASES
from recommender.ingest import IngestResult
from recommender.record_facts import RecordFacts
from recommender.storage.imports import (
    MAX_CHARS,
    ContentReport,
    FieldReport,
    Repeats,
    WarningReport,
)

MAX_COLUMNS = 200  # different ones that are counted
MAX_COMPARED = 200_000  # articles whose ids, addresses and texts are compared
MAX_SHIELDED = 5_000  # articles in which boilerplate is looked for
MAX_FIRST = 10
MAX_WARNINGS = 50


class ImportReport:
    """
    Adds up the facts of the records of one import, in bounded memory.

    Args:
        zone: of dates without one.
    """

    def __init__(self, zone: str = "UTC") -> None:
        self._zone = zone
        self._articles = 0
        self._sources: dict[str, Counter[str]] = {field: Counter() for field in FIELD_ALIASES}
        self._unused: Counter[str] = Counter()
        self._notes: Counter[str] = Counter()
        self._languages: Counter[str] = Counter()
        self._warnings: dict[str, WarningReport] = {}
        self._dates: tuple[str, str] | None = None
        self._without_zone = 0
        self._first_ids: list[str] = []
        self._ids, self._addresses, self._texts = _Compared(), _Compared(), _Compared()
        self._shield = _Shield()

    def add(self, document: str, result: IngestResult) -> None:
        """Count one accepted article, whose facts are known, of a document."""
        article_id, facts = result.article_id or "", result.facts
        if facts is None:
            return
        self._articles += 1
        for field, name in facts.sources.items():
            self._sources[field][name[:MAX_CHARS]] += 1
        for name in facts.unused:
            if name in self._unused or len(self._unused) < MAX_COLUMNS:
                self._unused[name[:MAX_CHARS]] += 1
        self._languages[facts.language or ""] += 1
        self._add_date(facts)
        self._add_warnings(document, result)
        if len(self._first_ids) < MAX_FIRST:
            self._first_ids.append(article_id)
        self._compare(article_id, facts)
        self._shield.add(facts)

    def add_notes(self, notes: Counter[str]) -> None:
        self._notes.update(notes)

    def finished(self) -> ContentReport:
        """All of it; may be asked for at any time."""
        return ContentReport(
            articles=self._articles,
            fields=tuple(self._fields()),
            unused=dict(self._unused.most_common()),
            languages=dict(self._languages.most_common(MAX_COLUMNS)),
            first_date=self._dates[0] if self._dates else None,
            last_date=self._dates[1] if self._dates else None,
            dates_without_zone=self._without_zone,
            zone=self._zone,
            boilerplate_share=self._shield.share(),
            same_id=self._ids.report(),
            same_address=self._addresses.report(),
            same_text=self._texts.report(),
            warnings=tuple(sorted(self._warnings.values(), key=lambda one: -one.articles)),
            notes={note[:MAX_CHARS]: times for note, times in self._notes.items()},
            first_ids=tuple(self._first_ids),
        )

    def _fields(self) -> Iterator[FieldReport]:
        for field, names in self._sources.items():
            sources = {name: count for name, count in names.most_common(MAX_COLUMNS) if name}
            yield FieldReport(
                field=field, filled=names.total(), computed=names[""], sources=sources
            )

    def _add_date(self, facts: RecordFacts) -> None:
        if facts.published is None:
            return
        first, last = self._dates or (facts.published, facts.published)
        self._dates = min(first, facts.published), max(last, facts.published)
        self._without_zone += facts.has_zone is False

    def _add_warnings(self, document: str, result: IngestResult) -> None:
        first_of = {warning.field.partition("/")[0]: warning for warning in result.warnings[::-1]}
        for field, warning in first_of.items():
            known = self._warnings.get(field)
            if known is not None:
                self._warnings[field] = known.model_copy(update={"articles": known.articles + 1})
            elif len(self._warnings) < MAX_WARNINGS:
                self._warnings[field] = WarningReport(
                    file=document[-MAX_CHARS:],
                    line=result.line,
                    field=field[:MAX_CHARS],
                    articles=1,
                    reason=warning.detail[:MAX_CHARS],
                )

    def _compare(self, article_id: str, facts: RecordFacts) -> None:
        is_new = self._ids.add(hash(article_id) or 1, article_id)
        if is_new:  # an article that comes again has its own address and text
            self._addresses.add(facts.address, article_id)
            self._texts.add(facts.text, article_id)


class _Compared:
    """What occurs more than once, by digests; 0 stands for nothing, and is not compared."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._repeats = 0
        self._first = ""

    def add(self, digest: int, article_id: str) -> bool:
        """Return whether this is the first of its kind, as far as is known."""
        if not digest:
            return True
        if digest in self._seen:
            self._repeats += 1
            self._first = self._first or article_id
            return False
        if len(self._seen) < MAX_COMPARED:
            self._seen.add(digest)
        return True

    def report(self) -> Repeats:
        return Repeats(count=self._repeats, first_id=self._first[:MAX_CHARS])


class _Shield:
    """Lines that stand in many of the first articles."""

    def __init__(self) -> None:
        self._digests: list[NDArray[np.uint64]] = []
        self._terms: list[NDArray[np.uint32]] = []
        self._total = 0

    def add(self, facts: RecordFacts) -> None:
        if len(self._digests) < MAX_SHIELDED:
            self._digests.append(facts.blocks)
            self._terms.append(facts.block_terms)
            self._total += facts.terms

    def share(self) -> float:
        """The share of all terms that stand in boilerplate, as the index counts it."""
        if not self._total:
            return 0.0
        book = BlockBook(LIMITS)
        book.apply(self._digests, ())
        shielded = book.is_boilerplate(np.concatenate(self._digests))
        return float(np.concatenate(self._terms)[shielded].sum() / self._total)
