"""How good are the lists? A newsroom's own links judge them. Needs the extra `evaluate`."""

from recommender.extras import require_extra

require_extra("evaluate")

from recommender.evaluation.archive import Archive, read_archive  # noqa: E402
from recommender.evaluation.evaluate import Evaluation, evaluate  # noqa: E402
from recommender.evaluation.protocol import Protocol  # noqa: E402
from recommender.evaluation.truth import Qrels, read_truth  # noqa: E402

__all__ = ["Archive", "Evaluation", "Protocol", "Qrels", "evaluate", "read_archive", "read_truth"]
