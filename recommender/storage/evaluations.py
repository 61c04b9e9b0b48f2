"""
What the last evaluation of a site's lists found, in a few figures.

    see:{site}:evaluation   packed

The evaluation itself reads files and no store; whoever ran it may leave its figures here.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from recommender.errors import CorruptRecord
from recommender.storage.connections import Connection
from recommender.storage.keyspace import site_key
from recommender.storage.packing import pack_record, unpack_record


class Measured(BaseModel):
    """A measure of one system: its mean, and where that lies with 95 % certainty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: float | None
    low: float | None
    high: float | None


class EvaluationFigures(BaseModel):
    """
    An evaluation in short.

    Fields:
        queries: how many articles with links were the questions.
        systems: name → measure → what was measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    made_at: datetime
    articles: int
    queries: int
    systems: dict[str, dict[str, Measured]]


class Evaluations:
    """The last evaluation of each site. Every method may raise `StoreUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, site: str, found: EvaluationFigures) -> None:
        record = pack_record(found.model_dump_json().encode())
        with self._connection.using("write") as client:
            client.set(site_key(site, "evaluation"), record)

    def latest(self, site: str) -> EvaluationFigures | None:
        """None too when what is stored cannot be read, as after an upgrade."""
        with self._connection.using("read") as client:
            record = client.get(site_key(site, "evaluation"))
        try:
            if record is None:
                return None
            return EvaluationFigures.model_validate_json(unpack_record(record))
        except (CorruptRecord, ValidationError):
            return None
