"""What the articles of each site leave open, by its settings and by what it has published."""

import time
from collections.abc import Iterable
from contextlib import suppress
from zoneinfo import ZoneInfo

from features.dates import DateRules
from features.fields import NOTHING_CHOSEN
from features.language import LanguageMix
from features.site_defaults import NO_DEFAULTS, SiteDefaults
from features.timezones import zone_named
from recommender.config import Settings
from recommender.errors import StoreUnavailable
from recommender.policy.site_settings import ArticleSettings
from recommender.storage.store import Store

# A sample of some hundred articles says which languages a site has; it changes slowly.
SAMPLE_SECONDS = 60.0


class ArticleDefaults:
    """
    The `SiteDefaults` of all sites.

    Site settings are read anew each time, the languages of stored articles from a sample that may
    be a minute old.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._home_pages = {site: settings.home_page(site) for site in settings.sites}
        self._samples: dict[str, tuple[float, list[str | None]]] = {}
        self._last: dict[str, SiteDefaults] = {}

    def of(self, site: str, settings: ArticleSettings | None = None) -> SiteDefaults:
        """
        As last known while the store is away.

        Args:
            settings: in place of those that are stored.
        """
        with suppress(StoreUnavailable):
            stored = settings or self._store.rulebook.settings(site).settings.articles
            self._last[site] = self._read(site, stored)
        return self._last.get(site, NO_DEFAULTS)

    def _read(self, site: str, settings: ArticleSettings) -> SiteDefaults:
        zone: ZoneInfo | None = None if settings.zone is None else zone_named(settings.zone)
        return SiteDefaults(
            dates=DateRules(zone),
            home_page=self._home_pages.get(site),
            languages=LanguageMix.of(self._sample(site), settings.language),
            fields=settings.fields or NOTHING_CHOSEN,
        )

    def _sample(self, site: str) -> Iterable[str | None]:
        until, languages = self._samples.get(site, (0.0, []))
        if time.monotonic() < until:
            return languages
        cards = next(self._store.all_cards(site), {})
        languages = [card["language"] for card in cards.values()]
        if languages:  # an empty site may have its first articles at any moment
            self._samples[site] = time.monotonic() + SAMPLE_SECONDS, languages
        return languages
