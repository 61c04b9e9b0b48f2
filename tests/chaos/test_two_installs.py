"""Two installs with the same articles make the same lists."""

import random
from hashlib import sha256

import orjson
import pytest
from news import article
from running_service import Record, Service

pytestmark = pytest.mark.chaos


def test_two_installs_make_the_same_lists(
    compiled: None, tmp_path_factory: pytest.TempPathFactory, record: Record
) -> None:
    digests = set()
    variables = [
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "2", "TZ": "America/New_York", "OMP_NUM_THREADS": "1"},
    ]
    for number, one in enumerate(variables):
        with Service.started(tmp_path_factory.mktemp("install"), **one) as service:
            order = list(range(60))
            random.Random(number).shuffle(order)
            for n in order:
                service.put(article(f"a{n}"))
            lists = []
            for n in range(60):
                answer = orjson.loads(service.get(f"/v1/main/articles/a{n}/related?limit=50").body)
                lists.append([(item["id"], item["score"]) for item in answer["items"]])
            digests.add(sha256(repr(lists).encode()).hexdigest())

    record(12, f"60 lists in 2 installs of other seeds, zones and orders: {len(digests)} outcome")
    assert len(digests) == 1
