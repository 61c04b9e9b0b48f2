"""
Measure speed and memory: `make bench`, or `.venv/bin/python tests/benchmarks/run.py --help`.

Times are CPU times, of the process that does the work and no other, medians over many turns; where
there is a peer, the two take turns in one process. Nothing here passes or fails: read the ratios.
Every path runs in a process of its own, so that its memory is its own.
"""

import argparse
import json
import math
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import archive
import growth
import import_speed
import lists
import redis
import serving
from corpora import Corpus, corpora
from measure import OURS, Row

from recommender import logs
from recommender.storage.embedded import lease

RESULTS = Path(__file__).parent / "results" / "latest.json"
PAGE = Path(__file__).parents[2] / "docs" / "PERFORMANCE.md"
PLOT = PAGE.with_name("growth.svg")
START, END = "<!-- made by make bench -->", "<!-- end -->"
GROWING = "enwiki-passages"
PATHS: dict[str, Callable[[str, Corpus], list[Row]]] = {
    "import": import_speed.importing,
    "load": archive.loading,
    "similar": lists.similar,
    "bulk": lists.bulk,
    "pipeline": lists.pipeline,
    "draft": lists.drafting,
    "add": archive.adding,
    "cached": serving.cached,
    "uncached": serving.uncached,
    "ingest": serving.ingesting,
    "start": serving.starting,
}


def main() -> None:
    options = _options()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="alsosee-bench-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for corpus in corpora(folder, options.synthetic):
            if options.corpora and corpus.name not in options.corpora:
                continue
            for found in measured(corpus, folder / corpus.name, options.paths):
                print_rows(found)
                rows += found
            if options.growth is not None and corpus.name == GROWING:
                for articles in options.growth or growth.SIZES:
                    found = in_own_process(growth.growth, corpus, articles)
                    print_rows(found)
                    rows += found
    save(rows)


def measured(corpus: Corpus, data_dir: Path, paths: list[str]) -> Iterator[list[Row]]:
    """The rows of each path, on an archive that is imported first unless it is there already."""
    with lease(data_dir) as server:
        with redis.Redis.from_url(server.url) as client:
            filled = client.dbsize() > 0
        if not filled:
            yield in_own_process(archive.importing, server.url, corpus)
        for name in paths:
            yield in_own_process(PATHS[name], server.url, corpus)


def in_own_process(measure: Callable[..., list[Row]], *arguments: object) -> list[Row]:
    context, quiet = get_context("spawn"), ("warning",)
    with ProcessPoolExecutor(1, context, initializer=logs.configure, initargs=quiet) as fresh:
        return fresh.submit(measure, *arguments).result()


def print_rows(rows: list[Row]) -> None:
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:8.2f} ×"
        figure = f"{row.figure:12,.2f} {row.unit:15}"
        print(f"{row.corpus:20} {row.path:38} {row.system:42}{figure}{ratio}", flush=True)


def save(measured: list[Row]) -> None:
    """Write the rows into file and page; those of paths not measured this time stay there."""
    page = PAGE.read_text()
    done = {(row.corpus, row.path) for row in measured}
    rows = [row for row in _rows_of(page) if (row.corpus, row.path) not in done] + measured
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "processor": platform.machine(),
            "python": platform.python_version(),
        },
        "rows": [row._asdict() for row in rows],
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    before, _, rest = page.partition(START)
    made = f"{START}\n\n{table(rows)}\n{growth.section(rows)}{END}"
    PAGE.write_text(before + made + rest.partition(END)[2])
    if plotted := growth.plot(rows):
        PLOT.write_text(plotted)
    print(f"\nWritten to {RESULTS} and {PAGE}")


def table(rows: list[Row]) -> str:
    """Markdown; a ratio is how many times what we take the other system takes."""
    lines = [
        "| corpus | path | system | figure | unit | ratio to ours |",
        "|---|---|---|--:|---|--:|",
    ]
    for row in rows:
        ratio = "" if row.ratio is None or row.system == OURS else f"{row.ratio:.2f}"
        figure = "–" if math.isnan(row.figure) else f"{row.figure:,.2f}"
        lines.append(
            f"| {row.corpus} | {row.path} | {row.system} | {figure} | {row.unit} | {ratio} |"
        )
    return "\n".join(lines) + "\n"


def _rows_of(page: str) -> Iterator[Row]:
    """What `table` wrote; a ratio of ours is 1 where others have one, and so left out."""
    written = page.partition(START)[2].partition(END)[0].partition("###")[0]
    for line in written.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(Row._fields) and cells[0] != "corpus" and "---" not in line:
            corpus, path, system, figure, unit, ratio = cells
            number = math.nan if figure == "–" else float(figure.replace(",", ""))
            yield Row(path, corpus, system, number, unit, float(ratio) if ratio else None)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure Also See.")
    parser.add_argument(
        "paths", nargs="*", help=f"some of {', '.join(PATHS)}; the import always comes first"
    )
    parser.add_argument("--corpora", nargs="+", metavar="NAME", help="only these corpora")
    parser.add_argument(
        "--synthetic", type=int, metavar="ARTICLES", help="made-up articles, even if there are real"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the archives there, and use them again"
    )
    parser.add_argument(
        "--growth",
        nargs="*",
        type=int,
        metavar="ARTICLES",
        help=f"also {GROWING} in these sizes, or in {len(growth.SIZES)} up to a million: an hour",
    )
    options = parser.parse_args()
    options.paths = options.paths or list(PATHS)
    if unknown := set(options.paths) - PATHS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()
