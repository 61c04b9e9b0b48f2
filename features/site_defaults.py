"""Defaults of a site for what its articles omit."""

from collections.abc import Mapping
from typing import NamedTuple

from features.dates import NO_RULES, DateRules
from features.fields import NOTHING_CHOSEN
from features.language import NO_MIX, LanguageMix


class SiteDefaults(NamedTuple):
    """
    The defaults of one site.

    Fields:
        dates: the zone of dates without one, and the order of day and month.
        home_page: completes relative addresses; None leaves them out.
        languages: the languages of the site, for texts whose language is uncertain.
        fields: our field → its name in the site's own system.
    """

    dates: DateRules = NO_RULES
    home_page: str | None = None
    languages: LanguageMix = NO_MIX
    fields: Mapping[str, str] = NOTHING_CHOSEN


NO_DEFAULTS = SiteDefaults()
