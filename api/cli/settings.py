"""The settings of a command."""

import os

from recommender import logs
from recommender.config import PREFIX, Settings
from recommender.errors import ConfigurationError, NotFound
from recommender.storage.append_only import FOLDER


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


def installed(settings: Settings) -> Settings:
    """
    Return the settings if they name a server, or a data folder with an archive.

    Raises:
        ConfigurationError: naming the folder. In the wrong folder a command would make an empty
            archive, and work with that.
    """
    if settings.redis_url is None and not (settings.data_dir / FOLDER).is_dir():
        raise ConfigurationError(
            f"there is no archive in {settings.data_dir.resolve()}: run this in the folder of your"
            " install, or set ALSOSEE_DATA_DIR or ALSOSEE_REDIS_URL"
        )
    return settings


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
