"""
Which articles are related?

    from recommender import RelatedArticles

The names below are imported when they are first used, so `import recommender` itself is cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recommender.errors import InvalidInput, NotFound
    from recommender.library import RelatedArticle, RelatedArticles
    from recommender.policy.ranking_model import RankingModel
    from recommender.sources.tables import RecordProblems

__all__ = [
    "InvalidInput",
    "NotFound",
    "RankingModel",
    "RecordProblems",
    "RelatedArticle",
    "RelatedArticles",
]

_HOMES = {
    "InvalidInput": "recommender.errors",
    "NotFound": "recommender.errors",
    "RankingModel": "recommender.policy.ranking_model",
    "RecordProblems": "recommender.sources.tables",
    "RelatedArticle": "recommender.library",
    "RelatedArticles": "recommender.library",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
