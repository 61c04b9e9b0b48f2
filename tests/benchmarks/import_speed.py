"""
What an import takes, with processes that analyse and without, beside scikit-learn's hashing of the
same texts and a bulk into tantivy.

All take turns. Each turn is a program of its own; an import goes into an empty store, and its CPU
time is that of all its processes and of the store.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import NamedTuple

import orjson
import redis
from archive import SITE, server_cpu, stored_digest
from corpora import Corpus
from measure import OURS, Row, against_ours, spent

from recommender.preparing import BATCH
from recommender.sources.files import ArticleFile
from recommender.storage.embedded import lease

TURNS = 3
PROCESSES = 2
TIMES_LARGER = 4
ALONE = "alsosee, one process"
HASHING = "scikit-learn HashingVectorizer"
TANTIVY = "tantivy bulk"


class Turn(NamedTuple):
    """
    One system, once over a file.

    Fields:
        wall, cpu: seconds.
        writer, others: the most memory of the process that writes, and of any other, in MiB.
        digest: of all that is stored.
    """

    articles: int
    wall: float
    cpu: float
    writer: float = 0.0
    others: float = 0.0
    digest: bytes = b""


def importing(_: str, corpus: Corpus) -> list[Row]:
    """The rows of one corpus."""
    with tempfile.TemporaryDirectory() as folder, lease(Path(folder)) as server:
        turns: dict[str, list[Turn]] = {}
        for _turn in range(TURNS):
            for name, run in _systems(server.url, corpus).items():
                turns.setdefault(name, []).append(run())
        larger = _repeated(corpus, Path(folder))
        four_times = _import(server.url, larger, PROCESSES)
        return [
            *_speed(corpus.name, turns),
            *_memory(corpus.name, "", turns[OURS][0]),
            *_memory(corpus.name, f", {TIMES_LARGER} times the articles", four_times),
            _same_records(corpus.name, turns),
            *_command(server.url, corpus),
        ]


def _systems(url: str, corpus: Corpus) -> dict[str, Callable[[], Turn]]:
    systems: dict[str, Callable[[], Turn]] = {
        OURS: partial(_import, url, corpus.file, PROCESSES),
        ALONE: partial(_import, url, corpus.file, 0),
        HASHING: partial(_in_own_process, partial(_hash, corpus.file)),
    }
    if find_spec("tantivy"):
        systems[TANTIVY] = partial(_in_own_process, partial(_index, corpus.file))
    return systems


def _import(url: str, file: Path, processes: int) -> Turn:
    program = Path(__file__).with_name("one_import.py")
    with redis.Redis.from_url(url) as server:
        server.flushall()
        before = server_cpu(server)
        printed = subprocess.check_output([sys.executable, program, url, file, str(processes)])
        figures = orjson.loads(printed)
        figures["cpu"] += server_cpu(server) - before
        return Turn(**figures, digest=stored_digest(server))


def _in_own_process(run: Callable[[], Turn]) -> Turn:
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(run).result()


def _hash(file: Path) -> Turn:
    """Words and pairs of words, as counts, in batches like ours."""
    from sklearn.feature_extraction.text import HashingVectorizer

    texts = _texts(file)
    hashing = HashingVectorizer(ngram_range=(1, 2), norm=None, alternate_sign=False)
    with spent() as took:
        for start in range(0, len(texts), BATCH):
            hashing.transform(texts[start : start + BATCH])
    return Turn(len(texts), took.wall, took.cpu)


def _index(file: Path) -> Turn:
    """Articles as JSON, stored and searchable, English stems; one commit for all."""
    import tantivy

    schema = tantivy.SchemaBuilder()
    schema.add_text_field("id", stored=True, tokenizer_name="raw")
    schema.add_text_field("text", stored=True, tokenizer_name="en_stem")
    lines = [
        orjson.dumps({"id": str(number), "text": text}).decode()
        for number, text in enumerate(_texts(file))
    ]
    with tempfile.TemporaryDirectory() as folder, spent() as took:
        writer = tantivy.Index(schema.build(), path=folder).writer(num_threads=1)
        for line in lines:
            writer.add_json(line)
        writer.commit()
        writer.wait_merging_threads()
    return Turn(len(lines), took.wall, took.cpu)


def _texts(file: Path) -> list[str]:
    with ArticleFile(str(file)) as articles:
        records = [record.data for record in articles.records()]
    return [f"{data['title']}\n{data.get('body', '')}" for data in records]  # type: ignore[index]


def _speed(corpus: str, turns: Mapping[str, Sequence[Turn]]) -> Iterator[Row]:
    cpu = {name: median(1e6 * t.cpu / t.articles for t in own) for name, own in turns.items()}
    wall = {name: median(1e6 * t.wall / t.articles for t in own) for name, own in turns.items()}
    yield from against_ours("import: CPU", corpus, "µs/article", cpu)
    yield from against_ours("import: by the clock", corpus, "µs/article", wall)
    for name in turns:
        yield Row("import: articles by CPU", corpus, name, 1e6 / cpu[name], "articles/CPU s")
        yield Row("import: articles by the clock", corpus, name, 1e6 / wall[name], "articles/s")


def _memory(corpus: str, of_what: str, turn: Turn) -> Iterator[Row]:
    for who, peak in (("writes", turn.writer), ("analyses", turn.others)):
        path = f"import: peak memory of the process that {who}{of_what}"
        yield Row(path, corpus, OURS, peak, "MiB")


def _same_records(corpus: str, turns: Mapping[str, Sequence[Turn]]) -> Row:
    digests = {turn.digest for name in (OURS, ALONE) for turn in turns[name]}
    path = "import: same records with and without processes"
    return Row(path, corpus, OURS, float(len(digests) == 1), "1 = yes")


def _command(url: str, corpus: Corpus) -> Iterator[Row]:
    """`alsosee import` as it is called: from its start to its end, and by its own count."""
    command = [Path(sys.executable).with_name("alsosee"), "import", "--json", "--site", SITE]
    whole, counted = [], []
    for _ in range(TURNS):
        with redis.Redis.from_url(url) as server:
            server.flushall()
        began = time.perf_counter()
        printed = subprocess.check_output(
            [*command, corpus.file],
            env={**os.environ, "ALSOSEE_REDIS_URL": url},
            stderr=subprocess.DEVNULL,
        )
        result = orjson.loads(printed)
        whole.append(result["added"] / (time.perf_counter() - began))
        counted.append(result["added"] / result["seconds"])
    path = "import: the command"
    yield Row(f"{path}, with its start", corpus.name, OURS, median(whole), "articles/s")
    yield Row(f"{path}, by its own count", corpus.name, OURS, median(counted), "articles/s")


def _repeated(corpus: Corpus, folder: Path) -> Path:
    """A file with every article several times, each under an id and an address of its own."""
    file = folder / "larger.jsonl"
    with ArticleFile(str(corpus.file)) as articles, file.open("wb") as lines:
        for record in articles.records():
            data: dict[str, object] = record.data  # type: ignore[assignment]
            for copy in range(TIMES_LARGER):
                own = {"id": f"{data['id']}-{copy}", "url": f"{data['url']}?copy={copy}"}
                lines.write(orjson.dumps({**data, **own}) + b"\n")
    return file
