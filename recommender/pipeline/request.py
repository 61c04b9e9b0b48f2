"""One request for a list, with everything that the steps of the pipeline look up."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from recommender.index.corpus import Corpus
from recommender.pipeline.eligibility import Condition
from recommender.policy.list_options import ListOptions
from recommender.policy.ranking_model import RankingModel
from recommender.policy.rule_set import AppliedRules


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request for a list.

    Fields:
        options: with the settings of surface and site.
        rules: those of the editors that apply to this list.
        conditions: see `eligibility.conditions`.
        eligible: which articles pass all of them, shape (slots,).
    """

    corpus: Corpus
    options: ListOptions
    now: datetime
    rules: AppliedRules
    model: RankingModel
    conditions: list[Condition]
    eligible: NDArray[np.bool_]
