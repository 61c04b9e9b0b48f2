"""
The last survey of each site, and the claim of the process that makes one.

    see:{site}:survey           the last survey, packed JSON
    see:{site}:survey:running   token and progress of the survey being made; expires
"""

import secrets
import time
from typing import Literal, NamedTuple, Self

import orjson
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from recommender.errors import CorruptRecord, StoreUnavailable
from recommender.storage.article_records import site_key
from recommender.storage.connections import Connection
from recommender.storage.packing import pack_record, unpack_record

SILENCE_SECONDS = 30  # a survey without a report for that long has ended
REPORT_SECONDS = 0.5

DAYS = (1, 7, 30, 90, 365, 1825)
"""Where one group of ages ends and the next begins; the last has no end."""
TIMES = (1, 2, 3, 6, 11, 21, 51)
"""The same for how often an article is recommended; the first group is never."""

# Only the claim holder may report progress or release it.
_HAS_CLAIM = "string.find(redis.call('GET', KEYS[1]) or '', ARGV[1], 1, true) ~= nil"
_REPORT = f"""
if not ({_HAS_CLAIM}) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""
_RELEASE = f"if {_HAS_CLAIM} then redis.call('DEL', KEYS[1]) end"


class SurveyStopped(Exception):
    """The process ends, or another one has taken over the survey."""


class SurveyOutlier(BaseModel):
    """An article that stands out, and the number by which it does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    number: float = Field(allow_inf_nan=False)


class Survey(BaseModel):
    """
    The lists of a site in figures, as readers get them with the site's own settings.

    Fields:
        version: of the site when the survey ended.
        articles: how many were published.
        lists: how many were made; fewer than `articles` are a sample.
        related: how many lists have 0, 1, 2, … related articles; the others are filler items.
        ages: how many lists have a median article that is so many days old, by `DAYS`.
        gaps: the same, counted from the list's own article; the first group is of lists whose
            median article is newer.
        recommended: how many articles are in so many of the lists, by `TIMES`.
        most: the articles in most lists, and in how many.
        never: the newest articles that are in no list.
        without, few: the newest articles with no related articles, or with few, and how many.
        old: articles whose lists are the oldest, and by how many days.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    made_at: AwareDatetime
    version: NonNegativeInt
    articles: NonNegativeInt
    lists: NonNegativeInt
    related: tuple[NonNegativeInt, ...] = Field(min_length=1)
    ages: tuple[NonNegativeInt, ...]
    gaps: tuple[NonNegativeInt, ...]
    recommended: tuple[NonNegativeInt, ...]
    most: tuple[SurveyOutlier, ...]
    never: tuple[SurveyOutlier, ...]
    without: tuple[SurveyOutlier, ...]
    few: tuple[SurveyOutlier, ...]
    old: tuple[SurveyOutlier, ...]

    @model_validator(mode="after")
    def _has_all_groups(self) -> Self:
        lengths = (len(self.ages), len(self.gaps), len(self.recommended))
        if lengths != (len(DAYS) + 1, len(DAYS) + 2, len(TIMES) + 1):
            raise ValueError("other groups than this version has")
        return self


class ClaimProgress(NamedTuple):
    """How many lists are made, and of how many; 0 of 0 before the first."""

    done: int
    total: int


_RUNNING = TypeAdapter(tuple[str, NonNegativeInt, NonNegativeInt])  # token, done, total


class Surveys:
    """The surveys of all sites. Every method may raise `StoreUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def latest(self, site: str) -> Survey | None:
        """The last survey; None without any, or when the record is damaged or outdated."""
        with self._connection.using("read") as client:
            record = client.get(site_key(site, "survey"))
        if record is None:
            return None
        try:
            return Survey.model_validate_json(unpack_record(record))
        except (CorruptRecord, ValidationError):
            return None

    def keep(self, site: str, survey: Survey) -> None:
        record = pack_record(survey.model_dump_json().encode())
        with self._connection.using("write") as client:
            client.set(site_key(site, "survey"), record)

    def forget(self, site: str, article_id: str) -> None:
        """Delete the survey if it names an article; the next one takes its place."""
        survey = self.latest(site)
        if survey is None:
            return
        outliers = (survey.most, survey.never, survey.without, survey.few, survey.old)
        if any(one.id == article_id for group in outliers for one in group):
            with self._connection.using("write") as client:
                client.unlink(site_key(site, "survey"))

    def progress(self, site: str) -> ClaimProgress | None:
        """Of the survey that is being made; None when there is none."""
        with self._connection.using("read") as client:
            record = client.get(_running_key(site))
        return None if record is None else _parse_progress(record)

    def claim(self, site: str) -> "SurveyClaim | None":
        """The right to survey the site; None while another process has it."""
        claim = SurveyClaim(self._connection, site)
        return claim if claim.take() else None


class SurveyClaim:
    """The right to survey a site; it is lost after `SILENCE_SECONDS` without a report."""

    def __init__(self, connection: Connection, site: str) -> None:
        self._connection = connection
        self._key = _running_key(site)
        self._token = secrets.token_hex(8)
        self._next_report = 0.0

    def take(self) -> bool:
        record = self._record(ClaimProgress(0, 0))
        with self._connection.using("write") as client:
            return bool(client.set(self._key, record, nx=True, ex=SILENCE_SECONDS))

    def report(self, done: int, total: int) -> None:
        """
        Store the progress, at most every `REPORT_SECONDS`.

        Raises:
            SurveyStopped: when the claim is lost.
        """
        if time.monotonic() < self._next_report:
            return
        self._next_report = time.monotonic() + REPORT_SECONDS
        record = self._record(ClaimProgress(done, total))
        try:
            with self._connection.using("write") as client:
                script = client.register_script(_REPORT)
                has_claim = script([self._key], [self._token, record, SILENCE_SECONDS])
        except StoreUnavailable:
            return  # the next report will show whether the claim is lost
        if not has_claim:
            raise SurveyStopped("another survey may have started: this one did not report in time")

    def release(self) -> None:
        try:
            with self._connection.using("write") as client:
                client.register_script(_RELEASE)([self._key], [self._token])
        except StoreUnavailable:
            return  # it will expire

    def _record(self, progress: ClaimProgress) -> bytes:
        return orjson.dumps([self._token, *progress])


def _parse_progress(record: bytes) -> ClaimProgress | None:
    try:
        _, done, total = _RUNNING.validate_json(record)
    except ValidationError:  # damaged; it expires
        return None
    return ClaimProgress(done, total)


def _running_key(site: str) -> str:
    return site_key(site, "survey", "running")
