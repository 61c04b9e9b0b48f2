"""What the long tests share: a running service, readers and writers, and figures as evidence."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from running_service import Record, Service

from recommender.pipeline.warm import warm


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Keep a figure of a promise for the evidence page: `record(18, "goodput .93 of peak")`."""
    file = os.environ.get("CHAOS_EVIDENCE")

    def keep(promise: int, figure: str) -> None:
        print(f"promise {promise}: {figure}")
        if file:
            line = {
                "promise": promise,
                "test": request.node.name,
                "figure": figure,
                "on": f"{datetime.now(UTC):%Y-%m-%d}",
            }
            with Path(file).open("a") as evidence:
                evidence.write(json.dumps(line) + "\n")

    return keep


@pytest.fixture(scope="session")
def compiled() -> None:
    """Compile what a service needs, or its start would take minutes after a change."""
    warm()


@pytest.fixture
def service(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`alsosee serve` with a small archive, in a folder of its own."""
    with Service.started(tmp_path_factory.mktemp("service")) as service:
        service.put_archive(200)
        yield service
