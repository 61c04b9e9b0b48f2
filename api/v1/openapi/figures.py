"""What does the overview answer?"""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from recommender.storage.evaluations import MeasureFigures
from recommender.storage.imports import Import


class NamedArticle(BaseModel):
    id: str
    title: str | None


class Value(BaseModel):
    """How many articles are of one kind."""

    name: str | None = Field(description="Null for all others, and those of none")
    articles: int


class ArchiveFigures(BaseModel):
    """What the archive is made of."""

    articles: int
    undated: int
    scheduled: int = Field(description="Of them, those that are not out yet")
    languages: list[Value]
    sections: list[Value] = Field(description="The largest, in lower case")
    years: list[Value] = Field(description="The last ones")


class DayOfArticles(BaseModel):
    day: date
    articles: int


class DatedArticle(NamedArticle):
    published_at: str | None


class FreshFigures(BaseModel):
    """What is new."""

    days: list[DayOfArticles] = Field(description="The last thirty (UTC), the first one first")
    week: int = Field(description="Articles of the last seven days")
    newest: DatedArticle | None


class Band(BaseModel):
    """How many have a number between two."""

    from_: int | None = Field(alias="from", description="Null: no matter how few")
    below: int | None = Field(description="Null: no matter how many")


class BandOfArticles(Band):
    articles: int


class BandOfLists(Band):
    lists: int


class NotedArticle(NamedArticle):
    number: float


class NotedArticles(BaseModel):
    """The first articles that stand out, and the number they do so by."""

    most: list[NotedArticle] = Field(description="In the most lists; in how many")
    never: list[NotedArticle] = Field(description="In none, the newest first")
    without: list[NotedArticle] = Field(description="Without related articles, the newest first")
    few: list[NotedArticle] = Field(description="With one or two, the newest first; how many")
    old: list[NotedArticle] = Field(description="With old lists; days")


class SurveyFigures(BaseModel):
    """What the last survey found; it made every list, or as many as stand for all."""

    made_at: datetime
    changes_since: int
    articles: int = Field(description="How many there were")
    lists: int = Field(description="How many lists were looked at")
    related: list[int] = Field(description="How many lists have 0, 1, 2, … related articles")
    without: int = Field(description="How many have none")
    few: int = Field(description="How many have one or two")
    old: int = Field(description="How many are a year older than their story, or more")
    never: int = Field(description="How many articles stand in none of these lists")
    recommended: list[BandOfArticles] = Field(description="By the number of lists they stand in")
    ages: list[BandOfLists] = Field(description="By days from today to their middle article")
    gaps: list[BandOfLists] = Field(description="By days from the story to their middle article")
    named: NotedArticles


class SurveyProgress(BaseModel):
    """How many lists of how many are made."""

    done: int
    total: int


class Counts(BaseModel):
    impressions: int
    clicks: int
    click_through: float | None = Field(description="Clicks for each impression")


class DayOfReaders(Counts):
    day: date


class PlaceOfReaders(Counts):
    position: int


class ReaderFigures(Counts):
    """What readers did in the last 28 days (UTC)."""

    days: list[DayOfReaders]
    positions: list[PlaceOfReaders]


class RankingFigures(BaseModel):
    measured: dict[str, float | int | str] = Field(
        description="What `alsosee tune` measured of the ranking in use; empty without one"
    )


class Evaluated(BaseModel):
    """An evaluation in short: system, measure, and its mean with the 95 % interval."""

    made_at: datetime
    articles: int
    queries: int
    systems: dict[str, dict[str, MeasureFigures]]


class StoreCheck(BaseModel):
    state: Literal["ok", "note", "wrong"]
    text: str


class ServiceFigures(BaseModel):
    """How the service is, as the worker that answers knows it."""

    version: str
    state: str = Field(description="`ready`, or why it is not")
    store: str
    checks: list[StoreCheck]
    index_file: int | None = Field(description="Its number; null where there is none")
    damaged_records: int
    outdated_vectors: int
    workers: int
    threads: int


class Overview(BaseModel):
    """Archive, lists, readers and service in figures."""

    site: str
    made_at: datetime
    version: int = Field(description="Number of the site's last change")
    archive: ArchiveFigures
    fresh: FreshFigures
    survey: SurveyFigures | None = Field(description="Null before the first")
    surveying: SurveyProgress | None = Field(description="Of a survey that is under way")
    imports: list[Import] = Field(description="The last ones in bulk, the newest first")
    readers: ReaderFigures
    ranking: RankingFigures
    evaluation: Evaluated | None = Field(
        description="What `alsosee evaluate --overview` found last; null before the first"
    )
    service: ServiceFigures
