"""Which site a command is for."""

from recommender.config import Settings
from recommender.errors import NotFound


def pick_site(settings: Settings, name: str | None) -> str:
    """
    Return *name* if it is one of our sites, the first site if it is None.

    Raises:
        NotFound: listing the sites there are.
    """
    if name is None:
        return settings.sites[0]
    if name not in settings.sites:
        raise NotFound(f"no site {name!r} here; ALSOSEE_SITES has {', '.join(settings.sites)}")
    return name
