"""The making of a site's index file; a `Builder` starts `python -m recommender.build SITE`."""

import os
import sys

import structlog

from recommender import logs
from recommender.backend import Backend
from recommender.config import Settings
from recommender.replica.builder import NOTHING_NEW, index_files
from recommender.replica.site import SiteReplica
from recommender.storage.store import Store

log = structlog.get_logger()

NICENESS = 10  # readers come first


def build(settings: Settings, store: Store, site: str) -> int | None:
    """
    Bring the index file of a site up to date; waits while somebody else does.

    Returns:
        the number of the new file, None when there is nothing new.

    Raises:
        OSError: when it cannot be written.
    """
    files = index_files(settings, site)
    if files is None:
        return None
    with files.building():
        live = SiteReplica(site, store, files=files)
        live.sync()
        return live.publish()


def main(site: str) -> int:
    os.nice(NICENESS)
    settings = Settings.from_environment()
    logs.configure_service(settings.log_level)
    with Backend(settings) as backend:
        try:
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
