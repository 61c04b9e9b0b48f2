"""Builds the index file of a site; a `Builder` starts `python -m recommender.build SITE`."""

import os
import sys

import structlog

from recommender import logs
from recommender.backend import Backend
from recommender.config import Settings
from recommender.ingest import reindex
from recommender.replica.builder import NOTHING_NEW, index_files
from recommender.replica.site import SiteReplica
from recommender.storage.store import Store

log = structlog.get_logger()

NICENESS = 10  # readers come first


def build(settings: Settings, store: Store, site: str) -> int | None:
    """
    Build a new index file of a site, after any builder that is at work.

    Returns:
        the number of the new file, or None when the one in place is up to date.

    Raises:
        OSError: when it cannot be written.
    """
    files = index_files(settings, site)
    if files is None:
        return None
    with files.building():
        # It starts from the newest file, so only the changes since then are read.
        replica = SiteReplica(site, store, files=files)
        replica.sync()
        return replica.publish()


def upgrade(backend: Backend, site: str) -> bool:
    """
    Analyse the articles again whose features are of an earlier version; return whether any were.

    The service goes on meanwhile. After an interruption the next builder continues.
    """
    formats = backend.formats
    if not formats.is_outdated(site):
        return False
    articles = backend.store.count(site)
    checked = 0
    log.info("analysing articles again after an upgrade", site=site, articles=articles)
    for newly_checked, _ in reindex(backend.store, site):
        checked += newly_checked
        formats.report(site, checked, articles)
    formats.finish(site)
    log.info("all articles are analysed by this version", site=site, articles=checked)
    return True


def main(site: str) -> int:
    os.nice(NICENESS)
    settings = Settings.from_environment()
    logs.configure_service(settings.log_level)
    with Backend(settings) as backend:
        try:
            upgrade(backend, site)
            number = build(settings, backend.store, site)
        except OSError as error:
            folder = settings.data_dir / "index" / site
            log.warning("no index file: memory it is", folder=str(folder), error=str(error))
            return 1
    if number is None:
        return NOTHING_NEW
    log.info("index file made", site=site, number=number)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
