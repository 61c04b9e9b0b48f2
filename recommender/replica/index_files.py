"""The index files of one replica: which one it started from, and when another one pays."""

from collections.abc import Callable

from features.boilerplate import LEAST_SHARE_LEFT, LEAST_TERMS_LEFT, LIMITS
from features.vectorizer import FEATURES_VERSION, IDF_FADE, TWO_WORD_WEIGHT
from recommender.index.corpus import Corpus
from recommender.index.files import IndexFile, IndexFiles
from recommender.index.index import ArticleIndex
from recommender.index.postings import FORMAT
from recommender.storage.change_log import SiteState
from recommender.storage.store import Store

FILE_FROM = 2_000  # articles; fewer are read in half a second, and take 10 MB
CHANGED_SHARE = 0.1  # of the articles; a new file pays when more came or went since the last one
# What a file depends on besides the articles.
MADE_BY = {
    "format": FORMAT,
    "features": FEATURES_VERSION,
    "weights": [TWO_WORD_WEIGHT, IDF_FADE],
    "boilerplate": [*LIMITS, LEAST_TERMS_LEFT, LEAST_SHARE_LEFT],
}


class ReplicaFiles:
    """
    The index files of one replica.

    Args:
        files: None where no files are used.
        build: builds a file in another process, and returns whether there is one now.

    Attributes:
        current: the file that the corpus started from; None when it was read from the store.
    """

    def __init__(
        self,
        site: str,
        store: Store,
        files: IndexFiles | None = None,
        build: Callable[[], bool] | None = None,
    ) -> None:
        self.current: IndexFile | None = None
        self._site = site
        self._store = store
        self._files = files
        self._build = build
        self._useless: tuple[int, int] | None = None  # the `latest` file, when it did not fit

    def newest(self) -> IndexFile | None:
        """The newest file, if it fits."""
        return self._if_it_fits(self._files.newest() if self._files else None)

    def newer(self) -> IndexFile | None:
        """A file newer than the current one, if there is one that fits."""
        if self._files is None:
            return None
        latest = self._files.latest()
        number = self.current.number if self.current else 0
        if latest[0] <= number or latest == self._useless:
            return None
        newer = self._if_it_fits(self._files.newest(after=number))
        if newer is None:
            self._useless = latest  # opening and checking it takes long, and it will never fit
        return newer

    def built(self) -> IndexFile | None:
        """Build a file and return it; None when it does not fit, and then never again."""
        build = self._build
        self._build = None
        if self._files is None or build is None or not build():
            return None
        opened = self.newest()
        if opened is not None:
            self._build = build
        return opened

    def pays(self, index: ArticleIndex) -> bool:
        """
        Whether to build a new file: a large archive has none that fits, as after an upgrade, or
        many articles came or went since it was built.
        """
        if self._files is not None and self.current is None and is_large(len(index)):
            return True
        changed = index.delta_slots + index.slots - len(index)
        return changed > max(FILE_FROM, CHANGED_SHARE * len(index))

    def publish(self, corpus: Corpus, state: SiteState) -> int | None:
        """
        Write a new file and return its number, or None when the current one is up to date.

        Raises:
            OSError: when it cannot be written.
        """
        assert self._files is not None  # noqa: S101
        if self.current is not None and state_of(self.current) == state:
            return None
        return self._files.publish(corpus.arrays(), state._asdict() | MADE_BY)

    def delete_unused(self) -> None:
        """Delete files that no process uses."""
        if self._files is not None:
            self._files.delete_unused()

    def _if_it_fits(self, opened: IndexFile | None) -> IndexFile | None:
        """The file, if it was made from this archive and by this version of the product."""
        if opened is None or not opened.about.items() >= MADE_BY.items():
            return None
        # A store that was put back may have reached the same version by other changes, so the
        # time of that version has to be the same too.
        its = state_of(opened)
        present = self._store.change_log.state(self._site)
        if its.version < present.version:
            fits = its.at == self._store.change_log.accepted_at(self._site, its.version)
        else:
            fits = its == present
        return opened if fits else None


def is_large(articles: int) -> bool:
    """Whether an archive of so many articles has index files."""
    return articles >= FILE_FROM


def state_of(opened: IndexFile) -> SiteState:
    """The state of the archive that a file was made from."""
    return SiteState(opened.about["version"], opened.about.get("at", ""))
