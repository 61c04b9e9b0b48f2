"""Every process logs JSON lines of one form, whoever wrote them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from news import article

from features.analysis import analyse
from recommender.backend import Backend

ROOT = Path(__file__).parents[1]
SCRIPT = """
import logging, threading, warnings
import structlog
from recommender import logs

logs.configure_service("info")
structlog.get_logger().info("ours", site="main")
structlog.get_logger().debug("below the level")
logging.getLogger("a library").warning("theirs, %s", "formatted")
warnings.warn("outdated")
worker = threading.Thread(target=lambda: 1 / 0, name="worker")
worker.start()
worker.join()
raise ValueError("the end")
"""


def log_lines(errors: str) -> list[dict[str, Any]]:
    """Every line of standard error, each with the fields that all have."""
    lines = [json.loads(line) for line in errors.splitlines()]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    return lines


def test_our_lines_those_of_libraries_and_uncaught_errors_have_the_same_form() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = log_lines(done.stderr)

    assert (1, "") == (done.returncode, done.stdout)
    assert [
        ("ours", "info"),
        ("theirs, formatted", "warning"),
        ("thread failed", "critical"),
        ("process failed", "critical"),
    ] == [(line["event"], line["level"]) for line in lines if "outdated" not in line["event"]]
    assert ["worker"] == [line["thread"] for line in lines if "thread" in line]
    assert "ZeroDivisionError" in lines[-2]["exception"]
    assert "ValueError: the end" in lines[-1]["exception"]


def test_the_index_builder_logs_like_the_service(backend: Backend) -> None:
    backend.store.put("main", [analyse(article())])
    done = subprocess.run(
        [sys.executable, "-m", "recommender.build", "main"],
        cwd=ROOT,
        env=os.environ | backend.settings.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = log_lines(done.stderr)

    assert (0, "") == (done.returncode, done.stdout)
    assert "index file made" in [line["event"] for line in lines]
