"""Restores an archive of which a part was damaged, as far as the texts of its articles are left."""

from typing import NamedTuple

from recommender.backend import Backend
from recommender.ingest import reindex
from recommender.storage.backup import index_addresses


class Recovery(NamedTuple):
    """How many articles are listed again, and how many have lost their text."""

    listed_again: int
    without_text: int


def recover(backend: Backend, site: str) -> Recovery:
    """List articles again that have only their text left; make cards, features and addresses."""
    store = backend.store
    listed_again = store.restore_heads(site)
    for _ in reindex(store, site):
        pass  # each step writes a batch
    live = index_addresses(backend.connection, site)
    readable = sum(1 for _ in store.all_articles(site))
    return Recovery(listed_again, live - readable)
