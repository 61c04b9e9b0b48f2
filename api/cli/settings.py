"""The settings of a command."""

import os

from recommender import logs
from recommender.config import PREFIX, Settings
from recommender.errors import NotFound


def read_settings(**overrides: object) -> Settings:
    """
    Read the settings. Command line options override the environment.

    The options become variables, so that every process that we start has the same settings.
    """
    logs.configure("warning")  # so that a command prints little besides its result
    for name, value in overrides.items():
        if value is not None:
            os.environ[PREFIX + name.upper()] = str(value)
    return Settings.from_environment()


def pick_site(settings: Settings, name: str | None) -> str:
    """
    Return *name* if it is one of our sites, and the first site for None.

    Raises:
        NotFound: naming our sites.
    """
    if name is None:
        return settings.sites[0]
    if name not in settings.sites:
        raise NotFound(f"no site {name!r} here; ALSOSEE_SITES has {', '.join(settings.sites)}")
    return name
