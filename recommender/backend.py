"""Everything a process needs to answer, built once from the settings."""

from pathlib import Path

from recommender.config import Settings
from recommender.errors import NotFound, StoreUnavailable
from recommender.policy.ranking_model import DEFAULTS, RankingModel
from recommender.replica.builder import Builder, index_files
from recommender.replica.finder import Finder
from recommender.replica.site import SiteReplica
from recommender.replica.surveyor import Surveyor
from recommender.store_access import StoreAccess


class Backend(StoreAccess):
    """
    `StoreAccess`, and the sites whose lists the process makes.

    Arguments and errors are those of `StoreAccess`.
    """

    def __init__(self, settings: Settings, accept_old: bool = False) -> None:
        super().__init__(settings, accept_old)
        self.surveyor = Surveyor(self.surveys)
        self._stack.callback(self.surveyor.close)
        self.builder = Builder(settings)
        self._stack.callback(self.builder.close)
        self._models = {name: _model(settings.ranking, name) for name in settings.sites}
        self._sites = {name: self._replica(name) for name in settings.sites}
        self._finders = {name: Finder(name, self.store) for name in settings.sites}

    def site(self, name: str) -> SiteReplica:
        """Raises NotFound for a site that is not in the settings."""
        try:
            return self._sites[name]
        except KeyError:
            raise NotFound(f"no site {name!r}") from None

    def model(self, site: str) -> RankingModel:
        """The ranking model of *site*, before its settings change any number."""
        return self._models[site]

    def finder(self, site: str) -> Finder:
        """The search of *site* for editors."""
        return self._finders[site]

    def sites(self) -> list[SiteReplica]:
        return list(self._sites.values())

    def readiness(self, replica: SiteReplica) -> str:
        """`ready`, or why this site cannot answer yet."""
        try:
            self.store.change_log.version(replica.site)
        except StoreUnavailable as error:
            return str(error)
        return "ready" if replica.loaded else "the archive is being loaded"

    def write_readiness(self) -> str:
        """`ready`, or why articles cannot be stored at present."""
        try:
            return self.store.write_problem() or "ready"
        except StoreUnavailable as error:
            return str(error)

    def _replica(self, name: str) -> SiteReplica:
        files = index_files(self.settings, name)
        return SiteReplica(
            name, self.store, self._models[name], files, lambda: self.builder.run(name)
        )


def _model(ranking: Path | None, site: str) -> RankingModel:
    """The model in the file *ranking*, or in `<site>.json` of the folder; defaults without one."""
    if ranking is None:
        return DEFAULTS
    file = ranking / f"{site}.json" if ranking.is_dir() else ranking
    # A folder need not have a file for every site, but a file that is named must exist.
    return RankingModel.read(file) if file.exists() or file == ranking else DEFAULTS
