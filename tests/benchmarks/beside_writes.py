"""
What readers pay for writes: lists over HTTP beside writers of several kinds, in one run.

    python tests/benchmarks/beside_writes.py [--seconds 8] [--articles 200] [--lists 1]

Readers and writers are processes of their own. The first and the last phase are the control:
readers alone.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import count, takewhile
from multiprocessing import get_context
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).parents[1]))

from readers_and_writers import Answers, put, put_bulk, read
from running_service import ROOT, Service, made_up

IMPORTED = 4_000
WARM_UP_SECONDS = 1.0


def import_file(folder: Path, seconds: float) -> int:
    """Import a file with the command, again and again; return how many articles it had."""
    file = folder / "import.jsonl"
    end = time.monotonic() + seconds
    imported = 0
    for turn in takewhile(lambda _: time.monotonic() < end, count()):
        articles = [made_up(3_000_000 + n) | {"author": [f"R {turn}"]} for n in range(IMPORTED)]
        file.write_bytes(b"\n".join(map(orjson.dumps, articles)))
        command = [sys.executable, "-m", "api.cli.main", "import", str(file)]
        variables = os.environ | {"ALSOSEE_DATA_DIR": str(folder / "var")}
        subprocess.run(command, cwd=ROOT, env=variables, check=True, capture_output=True)
        imported += len(articles)
    return imported


def main() -> None:
    options = _options()
    with (
        tempfile.TemporaryDirectory(prefix="alsosee-bench-") as folder,
        Service.started(Path(folder)) as service,
        ProcessPoolExecutor(2, get_context("spawn")) as processes,
    ):
        service.put_archive(options.articles)
        processes.submit(read, service.port, 2.0, options.lists).result()
        _measure(service, processes, options)


def _measure(service: Service, processes: ProcessPoolExecutor, options: argparse.Namespace) -> None:
    port = service.port
    key = service.key
    seconds = options.seconds + WARM_UP_SECONDS
    phases = {
        "alone": (),
        "10 PUTs a second": (put, port, key, seconds, 10.0),
        "50 PUTs a second": (put, port, key, seconds, 50.0),
        "alone, again": (),
        "PUTs without pause": (put, port, key, seconds, 0.0),
        "uploads without pause": (put_bulk, port, key, seconds),
        "alsosee import": (import_file, service.folder, seconds),
        "alone, at the end": (),
    }
    print(f"{'readers':22} writes/s  reads/s    p50 ms    p99 ms    max ms    waits  not 200")
    for name, writer in phases.items():
        writing = processes.submit(*writer) if writer else None
        time.sleep(WARM_UP_SECONDS)
        answers = processes.submit(read, port, options.seconds, options.lists).result()
        written = writing.result() if writing else 0
        print(
            f"{name:22} {written / seconds:8.1f} {_figures(answers, options.seconds)}", flush=True
        )


def _figures(answers: Answers, seconds: float) -> str:
    number = len(answers.times)
    milliseconds = [1000 * answers.percentile(share) for share in (0.5, 0.99, 1.0)]
    times = " ".join(f"{one:9.2f}" for one in milliseconds)
    others = number - answers.statuses[200]
    return f"{number / seconds:8.0f} {times} {answers.waits / number:8.2%} {others:8}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=8.0, help="of each phase")
    parser.add_argument("--articles", type=int, default=200)
    parser.add_argument("--lists", type=int, default=1, help="how many lists the reader asks for")
    return parser.parse_args()


if __name__ == "__main__":
    main()
