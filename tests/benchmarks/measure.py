"""CPU time, memory, and the rows that a benchmark reports."""

import gc
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

OURS = "alsosee"


class Row(NamedTuple):
    """
    One figure.

    Fields:
        path: what was measured.
        system: `OURS`, or the peer that did the same in the same process.
        ratio: the figure divided by ours; None where nothing is compared.
    """

    path: str
    corpus: str
    system: str
    figure: float
    unit: str
    ratio: float | None = None


def against_ours(path: str, corpus: str, unit: str, figures: Mapping[str, float]) -> list[Row]:
    """One row for each system of *figures*, which holds `OURS`."""
    ours = figures[OURS]
    return [Row(path, corpus, s, figure, unit, figure / ours) for s, figure in figures.items()]


class Times(NamedTuple):
    """Median milliseconds of each call: CPU of the whole process, and by the clock."""

    cpu: dict[str, float]
    wall: dict[str, float]


def times(
    calls: Mapping[str, Callable[[Any], object]], arguments: Sequence[Any], in_a_row: int = 1
) -> Times:
    """
    Time each of *calls*, by name; every argument goes to all of them in turn.

    So whatever disturbs the machine disturbs all systems alike.

    Args:
        in_a_row: how many arguments a system gets before it is the next one's turn.
    """
    cpu: dict[str, list[float]] = {name: [] for name in calls}
    wall: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    for start in range(0, len(arguments), in_a_row):
        for name, call in calls.items():
            for argument in arguments[start : start + in_a_row]:
                with spent() as took:
                    call(argument)
                cpu[name].append(1000 * took.cpu)
                wall[name].append(1000 * took.wall)
    return Times(*({name: median(ms) for name, ms in found.items()} for found in (cpu, wall)))


class Spent:
    """Seconds that a `spent()` block took."""

    cpu = 0.0
    wall = 0.0


@contextmanager
def spent() -> Iterator[Spent]:
    took = Spent()
    cpu, wall = time.process_time(), time.perf_counter()
    yield took
    took.cpu, took.wall = time.process_time() - cpu, time.perf_counter() - wall


def peak_rss_mib() -> float:
    """The most memory this process ever had."""
    if sys.platform == "linux":  # there ru_maxrss starts from the parent's
        return _proc_mib("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def peaks_mib(pids: Iterable[int]) -> dict[int, float]:
    """The most memory that each of these processes ever had, without those that have ended."""
    peaks = {}
    for pid in pids:
        with suppress(OSError, StopIteration):  # without memory, it is being buried
            peaks[pid] = _proc_mib("VmHWM", pid)
    return peaks


def family(pid: int) -> Iterator[int]:
    """A process, its children and theirs."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield from family(int(child))


def cpu_of_all() -> float:
    """Seconds of CPU of this process and all that it started, also of those that have ended."""
    seconds = time.process_time()
    for pid in islice(family(os.getpid()), 1, None):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            # Its own time, and of the children that it has waited for, by user and by system.
            seconds += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return seconds


def rss_mib() -> float:
    """The memory this process has now; outside Linux the most it ever had."""
    gc.collect()
    return _proc_mib("VmRSS") if sys.platform == "linux" else peak_rss_mib()


def _proc_mib(field: str, pid: int | str = "self") -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(field))
    return int(line.split()[1]) / 1024
