"""Other systems with the same vectors or texts, as functions from an article to its list."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, csr_matrix
from sklearn.metrics.pairwise import linear_kernel

Query = Callable[[int], object]
BATCH = 2_000
MANY_TERMS = 10_000  # more than any text has


def missing() -> list[str]:
    """The peers that are not installed: `pip install alsosee[bench]`."""
    return [name for name in ("qdrant_edge", "tantivy", "sparse_dot_topn") if not find_spec(name)]


def by_vectors(vectors: csr_array, k: int, stack: ExitStack) -> dict[str, Query]:
    """
    Systems that get our unit vectors.

    Args:
        vectors: float64; a row is an article's slot.
        stack: closes what needs that.
    """
    rows = vectors.astype(np.float32)
    columns = csc_array(rows)

    def scipy_slice(slot: int) -> NDArray[np.intp]:
        start, end = rows.indptr[slot : slot + 2]
        return best(columns[:, rows.indices[start:end]] @ rows.data[start:end], slot, k)

    peers: dict[str, Query] = {
        "scipy CSC slice + argpartition": scipy_slice,
        "scikit-learn linear_kernel + argpartition": lambda slot: best(
            linear_kernel(vectors[[slot]], vectors)[0], slot, k
        ),
    }
    if find_spec("qdrant_edge"):
        peers["qdrant-edge sparse vectors"] = _qdrant(rows, k, stack)
    return peers


def best(scores: NDArray[np.floating], leave_out: int, k: int) -> NDArray[np.intp]:
    scores[leave_out] = 0.0
    top = np.argpartition(scores, -k)[-k:]
    return top[np.argsort(-scores[top])]


def _qdrant(rows: csr_array, k: int, stack: ExitStack) -> Query:
    """One indexed segment in memory, one search thread, no payload."""
    import qdrant_edge as qe

    folder = _folder(stack)
    config = qe.EdgeConfig(
        sparse_vectors={"terms": qe.EdgeSparseVectorParams(full_scan_threshold=1)},
        optimizers=qe.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1),
        max_search_threads=1,
    )
    shard = qe.EdgeShard.create(str(folder), config)
    stack.callback(shard.close)
    vectors = [
        qe.SparseVector(rows.indices[start:end].tolist(), rows.data[start:end].tolist())
        for start, end in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
    ]
    for first in range(0, len(vectors), BATCH):
        points = [
            qe.Point(slot, {"terms": vectors[slot]})
            for slot in range(first, min(first + BATCH, len(vectors)))
        ]
        shard.update(qe.UpdateOperation.upsert_points(points))
    shard.optimize()

    def query(slot: int) -> object:
        asked = qe.Query.Nearest(vectors[slot], using="terms")
        return shard.search(qe.SearchRequest(asked, limit=k + 1))

    return query


def by_texts(texts: Sequence[str], k: int, stack: ExitStack) -> dict[str, Query]:
    """Text engines: their own analysis of the same texts, and their own idea of similar."""
    if not find_spec("tantivy"):
        return {}
    like = _tantivy(texts, k, stack)
    return {
        f"tantivy more-like-this, {name}": partial(like, terms)
        for name, terms in (("all terms", MANY_TERMS), ("25 terms", 25))
    }


def _tantivy(texts: Sequence[str], k: int, stack: ExitStack) -> Callable[[int, int], object]:
    """
    English stems; from how many terms at most and which article to its list.

    It takes the heaviest ones; 25 of them, as it does when it is not told, are no exact list.
    """
    import tantivy

    schema = tantivy.SchemaBuilder()
    schema.add_text_field("text", stored=True, tokenizer_name="en_stem")
    schema.add_unsigned_field("slot", stored=True, indexed=True, fast=True)
    index = tantivy.Index(schema.build(), path=str(_folder(stack)))
    writer = index.writer(heap_size=512 * 2**20, num_threads=1)
    for slot, text in enumerate(texts):
        document = tantivy.Document(text=text)
        document.add_unsigned("slot", slot)  # as a keyword it would be a signed one
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()
    addresses = {}

    def query(terms: int, slot: int) -> object:
        if slot not in addresses:
            wanted = tantivy.Query.term_query(index.schema, "slot", slot)
            addresses[slot] = searcher.search(wanted, 1).hits[0][1]
        like = tantivy.Query.more_like_this_query(
            addresses[slot], min_doc_frequency=2, min_term_frequency=1, max_query_terms=terms
        )
        return searcher.search(like, k + 1).hits

    return query


def sparse_dot_topn(vectors: csr_array, k: int) -> Callable[[NDArray[np.intp]], object] | None:
    """All articles' lists at once, on one core; None when it is not installed."""
    if not find_spec("sparse_dot_topn"):
        return None
    from sparse_dot_topn import sp_matmul_topn

    rows = csr_matrix(vectors.astype(np.float32))
    columns = csr_matrix(rows.T)
    return lambda slots: sp_matmul_topn(rows[slots], columns, top_n=k + 1, sort=True, n_threads=1)


def _folder(stack: ExitStack) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="alsosee-peer-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder
