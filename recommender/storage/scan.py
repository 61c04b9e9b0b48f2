"""A scan of a whole hash that is complete, also when the server restarts in the middle of it."""

from collections.abc import Iterator

from recommender.errors import StoreUnavailable
from recommender.storage.connections import Connection

MAX_PASSES = 20


def scan_hash(connection: Connection, key: str, batch: int) -> Iterator[dict[bytes, bytes]]:
    """
    Yield all fields of a hash, about *batch* at a time, each once; may miss concurrent additions.

    The hash must be one from which no field is removed.

    A cursor is a place in the server's memory. After a restart or a failover it means another
    place, and HSCAN ends early without an error. So a pass counts only if the same server ran from
    its first to its last batch, and if at least as many fields came as the hash had at its start.

    Raises:
        StoreUnavailable: also when the server restarts in each of `MAX_PASSES` passes.
    """
    seen: set[bytes] = set()
    for _ in range(MAX_PASSES):
        run_before, size = _run_and_size(connection, key)
        for fields in _one_pass(connection, key, batch):
            new = {field: value for field, value in fields.items() if field not in seen}
            seen |= new.keys()
            if new:
                yield new
        run_after, _ = _run_and_size(connection, key)
        if run_before == run_after and len(seen) >= size:
            return
    raise StoreUnavailable("the store restarts again and again")


def _one_pass(connection: Connection, key: str, batch: int) -> Iterator[dict[bytes, bytes]]:
    cursor = 0
    while True:
        with connection.using("load") as client:
            cursor, fields = client.hscan(key, cursor, count=batch)
        yield fields
        if cursor == 0:
            return


def _run_and_size(connection: Connection, key: str) -> tuple[str, int]:
    """An id that a server has until it restarts, and the number of fields of the hash."""
    with connection.using("load") as client:
        pipeline = client.pipeline(transaction=False)
        pipeline.hlen(key)
        pipeline.info("server")
        size, info = pipeline.execute(raise_on_error=False)
        if isinstance(size, Exception):
            raise size
    # A server may refuse INFO to its users; then the count alone decides.
    return "" if isinstance(info, Exception) else str(info["run_id"]), size
