"""Hours in minutes: memory and keys stay constant, and deleted articles stay away."""

import random
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
from news import article
from running_service import LIST, Record, Service

pytestmark = pytest.mark.chaos


def test_a_deleted_article_is_in_no_answer_of_any_worker(service: Service, record: Record) -> None:
    shown: list[str] = []
    count = 0
    for number in range(100, 140):
        victim = f"a{number}"
        assert service.send("DELETE", f"/v1/main/articles/{victim}").status == 204
        for path in (LIST, "/v1/main/recent?limit=50"):
            for _ in range(6):
                body = service.get(path).body
                count += 1
                ids = [item["id"] for item in orjson.loads(body)["items"]]
                shown += [victim] if victim in ids else []

    record(22, f"{count} answers after 40 deletes: {len(shown)} showed the article")
    assert shown == []


def test_memory_and_keys_stay_constant(service: Service, record: Record) -> None:
    def round_() -> None:
        with ThreadPoolExecutor(4) as pool:
            list(
                pool.map(
                    lambda n: service.get(f"/v1/main/articles/a{n % 200}/related"), range(4_000)
                )
            )
        for number in range(50):
            service.put(article(f"a{number}", title=f"Changed {random.random()}"))

    round_()
    round_()
    middle = service.memory_bytes()
    with service.store() as store:
        keys = store.dbsize()
    round_()
    round_()
    last = service.memory_bytes()
    with service.store() as store:
        keys_after = store.dbsize()

    record(
        21,
        f"16,000 GETs and 200 PUTs: memory of the workers x {last / middle:.3f} in the second half,"
        f" {keys_after - keys} more keys",
    )
    assert last < 1.1 * middle
    assert abs(keys_after - keys) <= 400  # lists that were made meanwhile
