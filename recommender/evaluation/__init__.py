"""And how good is that? A newsroom's own links as judgement of its own lists."""

from recommender.evaluation.archive import Archive, read_archive
from recommender.evaluation.evaluate import Evaluation, evaluate
from recommender.evaluation.protocol import Protocol
from recommender.evaluation.truth import Qrels, read_truth

__all__ = ["Archive", "Evaluation", "Protocol", "Qrels", "evaluate", "read_archive", "read_truth"]
