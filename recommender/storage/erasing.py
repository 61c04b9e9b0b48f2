"""
Erases an article and everything that names it from the store.

    see:{site}:purged   hash, key of an article → when it was purged; a restore leaves it out

What stays is its tombstone and its last entry in the change log: its id, and that it is gone.
Workers need both.
"""

import time
from datetime import UTC, datetime

from recommender.errors import StoreUnavailable
from recommender.storage.article_records import article_key, site_key
from recommender.storage.connections import Connection
from recommender.storage.events import EventCounts
from recommender.storage.imports import ImportLog
from recommender.storage.sessions import Sessions
from recommender.storage.store import Store
from recommender.storage.surveys import Surveys

BATCH = 500
REWRITE_SECONDS = 600.0
_POLL_SECONDS = 0.05

# Removes the digest of the text from the record of a deleted article.
_BARE_TOMBSTONE = """
local head = redis.call('HGET', KEYS[1], ARGV[1]) or ''
local revision, at = string.match(head, '^deleted|(-?%d*)|%w*|(%d*)$')
if revision then
  redis.call('HSET', KEYS[1], ARGV[1], 'deleted|' .. revision .. '||' .. at)
end
"""


def erase(connection: Connection, cache: Connection, site: str, article_id: str) -> bool:
    """
    Delete an article and everything that names it; return whether there was one.

    Every step can be repeated, so an interrupted call is simply made again. A server still has the
    text in its files until `rewrite_files`.
    """
    store = Store(connection)
    now = datetime.now(UTC)
    was_there = store.delete(site, article_id).outcome == "deleted"
    key = article_key(site, article_id)
    with connection.using("write") as client:
        client.hset(site_key(site, "purged"), key, now.isoformat())
        client.register_script(_BARE_TOMBSTONE)([site_key(site, "heads")], [key])
    store.rulebook.forget(site, article_id, now)
    EventCounts(connection).forget(site, article_id, now.date())
    ImportLog(connection).forget(site, article_id)
    Surveys(connection).forget(site, article_id)
    Sessions(connection).forget_notes()
    forget_lists(cache, site)
    return was_there


def purged_after(connection: Connection, site: str, moment: str) -> dict[str, str]:
    """The keys of articles that were purged after a *moment*, with the time of each."""
    with connection.using("batch") as client:
        purged = client.hgetall(site_key(site, "purged"))
    after = datetime.fromisoformat(moment)
    times = {key.decode(): at.decode(errors="replace") for key, at in purged.items()}
    return {key: at for key, at in times.items() if _is_after(at, after)}


def rewrite_files(connection: Connection) -> bool:
    """
    Have the server write its files anew, without what it no longer holds, and wait for that.

    Returns:
        whether it did; False for a server that forbids this, or keeps no files.

    Raises:
        StoreUnavailable: when the rewriting fails or takes longer than `REWRITE_SECONDS`.
    """
    with connection.using("batch") as client:
        client.slowlog_reset()  # it holds the beginnings of commands
        persistence = client.info("persistence")
        saves = bool(client.config_get("save").get("save"))
    if persistence["aof_enabled"]:
        _run(connection, "bgrewriteaof", "aof_rewrite_in_progress", "aof_last_bgrewrite_status")
    if saves:
        _run(connection, "bgsave", "rdb_bgsave_in_progress", "rdb_last_bgsave_status")
    return bool(persistence["aof_enabled"]) or saves


def _run(connection: Connection, command: str, running: str, status: str) -> None:
    """Wait for a command that may run in the background; run *command*, and wait for its end."""
    deadline = time.monotonic() + REWRITE_SECONDS
    _wait(connection, running, deadline)
    with connection.using("batch") as client:
        # In a pipeline a refusal comes back as a value, and is told apart from a lost connection.
        pipeline = client.pipeline(transaction=False)
        pipeline.execute_command(command)
        [reply] = pipeline.execute(raise_on_error=False)
    if isinstance(reply, Exception):
        raise StoreUnavailable("the store does not rewrite its files", str(reply))
    result = _wait(connection, running, deadline)
    if result.get(status) != "ok":
        raise StoreUnavailable("the store could not rewrite its files", "its log says why")


def _wait(connection: Connection, running: str, deadline: float) -> dict[str, object]:
    """Wait until the server rewrites no file; return what it says about its files then."""
    while True:
        with connection.using("batch") as client:
            info: dict[str, object] = client.info("persistence")
        # A server that is writing a dump only schedules the rewriting until that is done.
        if not info[running] and not info.get("aof_rewrite_scheduled"):
            return info
        if time.monotonic() > deadline:
            raise StoreUnavailable("the store takes too long to rewrite its files")
        time.sleep(_POLL_SECONDS)


def forget_lists(cache: Connection, site: str) -> None:
    """Delete all finished lists: any may have a card of the article."""
    with cache.using("batch") as client:
        names = [*client.scan_iter(match=site_key(site, "list", "*"), count=BATCH)]
        for start in range(0, len(names), BATCH):
            client.unlink(*names[start : start + BATCH])


def _is_after(at: str, moment: datetime) -> bool:
    """True for a damaged time too: a restore must not bring back a purged article."""
    try:
        return datetime.fromisoformat(at) >= moment
    except ValueError:
        return True
