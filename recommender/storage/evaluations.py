"""
The main figures of the last evaluation of a site's lists.

    see:{site}:evaluation   packed JSON

An evaluation reads files and not the store; `alsosee evaluate --overview` saves its figures here.
"""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from recommender.errors import CorruptRecord
from recommender.storage.article_records import site_key
from recommender.storage.connections import Connection
from recommender.storage.packing import pack_record, unpack_record


class MeasureFigures(BaseModel):
    """A measure of one system: its mean, and the 95 % confidence interval of the mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: float | None
    low: float | None
    high: float | None


class EvaluationFigures(BaseModel):
    """
    An evaluation in short.

    Fields:
        queries: how many articles with links were used as queries.
        systems: name → measure → figures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    made_at: AwareDatetime
    articles: int
    queries: int
    systems: dict[str, dict[str, MeasureFigures]]


class Evaluations:
    """The last evaluation of each site. Every method may raise `StoreUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, site: str, figures: EvaluationFigures) -> None:
        record = pack_record(figures.model_dump_json().encode())
        with self._connection.using("write") as client:
            client.set(site_key(site, "evaluation"), record)

    def latest(self, site: str) -> EvaluationFigures | None:
        """The last figures; None without any, or when the record is damaged or outdated."""
        with self._connection.using("read") as client:
            record = client.get(site_key(site, "evaluation"))
        if record is None:
            return None
        try:
            return EvaluationFigures.model_validate_json(unpack_record(record))
        except (CorruptRecord, ValidationError):
            return None  # the next evaluation replaces it
