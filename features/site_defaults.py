"""What articles leave open, and the site that they come from settles."""

from collections.abc import Mapping
from typing import NamedTuple

from features.dates import NO_RULES, DateRules
from features.fields import NOTHING_CHOSEN
from features.language import NO_MIX, LanguageMix


class SiteDefaults(NamedTuple):
    """
    What holds for articles of one site that do not say.

    Fields:
        dates: the zone of dates without one, and the order of day and month.
        home_page: completes relative addresses; None leaves them out.
        languages: what the site publishes in, for texts that leave doubt.
        fields: field → the name under which the site's own system has it.
    """

    dates: DateRules = NO_RULES
    home_page: str | None = None
    languages: LanguageMix = NO_MIX
    fields: Mapping[str, str] = NOTHING_CHOSEN


NO_DEFAULTS = SiteDefaults()
