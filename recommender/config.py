"""The server settings, read once from ALSOSEE_* variables."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)

from features.addresses import ascii_host
from recommender.errors import ConfigurationError

PREFIX = "ALSOSEE_"
DATA_DIR = Path("var")
_URL_OPTIONS = (
    "db",
    "ssl_ca_certs",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_check_hostname",
    "ssl_keyfile",
)
_SITE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_KUBERNETES = (
    "Kubernetes sets ALSOSEE_PORT, ALSOSEE_SERVICE_HOST and others in every pod next to a Service"
    " named alsosee: set enableServiceLinks: false for this pod, or give the Service another name"
)
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:[0-9]{1,5})?")


def _redis_url(value: SecretStr | None) -> SecretStr | None:
    if value is None:
        return None
    try:
        parts = urlsplit(value.get_secret_value())
        _ = parts.port
    except ValueError:  # whose text may contain a part of the password
        parts = urlsplit("")
    options = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if options - set(_URL_OPTIONS):  # not named: it may be a part of a password
        raise ValueError(f"unknown option after '?'; known are {', '.join(_URL_OPTIONS)}")
    place = {"redis": parts.netloc, "rediss": parts.netloc, "unix": parts.path}
    if not place.get(parts.scheme):
        raise ValueError(
            "expected redis://…, rediss://… or unix:///path, with %2F for a slash in a password"
        )
    return value


def _site_names(value: object) -> object:
    names = value.split(",") if isinstance(value, str) else value
    return tuple(check_site(str(name).strip()) for name in names)  # type: ignore[attr-defined]


def check_site(name: str) -> str:
    """Return *name*, or raise ValueError: keys and paths contain it unchanged."""
    if not _SITE.fullmatch(name):
        raise ValueError("expected 1 to 40 of a-z, 0-9 and -, not starting with -")
    return name


def _ranking(path: Path | None, given: ValidationInfo) -> Path | None:
    """Read the files now, or each worker would fail by itself."""
    if path is None:
        return None
    # Imported here: it imports NumPy, which few commands need.
    from recommender.policy.ranking_model import RankingModel

    files = {file.stem: file for file in sorted(path.glob("*.json"))} if path.is_dir() else {}
    try:
        for file in files.values() if path.is_dir() else [path]:
            RankingModel.read(file)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None
    sites = given.data.get("sites", ())  # missing when the sites are invalid themselves
    if path.is_dir() and sites and not files.keys() & {*sites}:
        names = " or ".join(f"{site}.json" for site in sites)
        raise ValueError(f"the folder {path} has no file for any site: expected {names} in it")
    return path


def _host_names(value: object) -> object:
    entries = value.split(",") if isinstance(value, str) else value
    return tuple(_host(str(entry).strip()) for entry in entries if str(entry).strip())  # type: ignore[attr-defined]


def _host(entry: str) -> str:
    site, _, host = entry.lower().rpartition("=")
    name, colon, port = host.partition(":")
    host = ascii_host(name) + colon + port
    if (site and not _SITE.fullmatch(site)) or not _HOST.fullmatch(host):
        raise ValueError("expected host names, such as news.example or sport=news.example:8080")
    host = host.removeprefix("www.").removesuffix(":443").removesuffix(":80")
    return f"{site}={host}" if site else host


RedisUrl = Annotated[SecretStr | None, AfterValidator(_redis_url)]


class Settings(BaseModel):
    """
    The settings of one process. Each field is one `ALSOSEE_*` variable and one row in
    docs/server-settings.md.

    URLs of servers may contain passwords, so they are secrets and never printed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    redis_url: RedisUrl = Field(
        default=None,
        description="Redis or Valkey that stores the archive; empty starts the embedded server",
    )
    cache_url: RedisUrl = Field(
        default=None,
        description="Redis or Valkey for finished lists; empty uses the embedded cache, or with"
        " `ALSOSEE_REDIS_URL` the store",
    )
    data_dir: Path = Field(
        default=DATA_DIR,
        description="Folder of index files and embedded server, relative to where it starts",
    )
    sites: Annotated[tuple[str, ...], BeforeValidator(_site_names)] = Field(
        default=("main",), description="Site names that this service answers for, comma-separated"
    )
    hosts: Annotated[tuple[str, ...], BeforeValidator(_host_names)] = Field(
        default=(),
        description="Hosts that cards may link to, with or without `www.`: `news.example`, or"
        " `sport=news.example` for one site, comma-separated; empty allows all",
    )
    host: str = Field(default="127.0.0.1", description="Address that `alsosee serve` listens on")
    port: int = Field(default=8000, ge=1, le=65535, description="Port that it listens on")
    workers: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Worker processes that answer readers; one more stores articles",
    )
    threads: int = Field(default=4, ge=1, le=64, description="Threads of each worker")
    list_ttl_seconds: int = Field(
        default=300, ge=1, le=86_400, description="How long a finished list stays in the cache"
    )
    store_timeout_seconds: float = Field(
        default=0.1,
        ge=0.02,
        le=5,
        description="How long a read waits for the store; a write waits ten times as long",
    )
    stale_seconds: int = Field(
        default=86_400,
        ge=0,
        le=604_800,
        description="How old a list may be that a worker still shows while the store is away",
    )
    ranking: Annotated[Path | None, AfterValidator(_ranking)] = Field(
        default=None,
        description="File of `alsosee tune` for all sites, or a folder with `<site>.json`",
    )
    demo: bool = Field(default=False, description="Show the sample newspaper at /")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error"
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """
        Read the settings of this process; an empty variable counts as unset.

        Raises:
            ConfigurationError: with the name of every variable that is unknown or invalid.
        """
        given: dict[str, str] = {}
        for name, value in environ.items():
            if name.startswith(PREFIX):
                field = name.removeprefix(PREFIX).lower()
                given[field] = value
        if "://" in given.get("port", "") or "service_host" in given:
            raise ConfigurationError(_KUBERNETES)
        unknown = sorted(given.keys() - cls.model_fields.keys())
        if unknown:
            names = ", ".join(PREFIX + name.upper() for name in unknown)
            raise ConfigurationError(
                f"unknown setting: {names} (docs/server-settings.md lists them all)"
            )
        try:
            return cls(**{name: value for name, value in given.items() if value})
        except ValidationError as error:
            raise ConfigurationError(_in_words(error)) from None

    def hosts_of(self, site: str) -> tuple[str, ...]:
        """The hosts that this site's cards may link to; empty for any."""
        hosts = []
        for entry in self.hosts:
            owner, _, host = entry.rpartition("=")
            if owner in ("", site):
                hosts.append(host)
        return tuple(hosts)

    def home_page(self, site: str) -> str | None:
        """The home page of the first host that the site has declared."""
        hosts = self.hosts_of(site)
        return f"https://{hosts[0]}/" if hosts else None

    def environment(self) -> dict[str, str]:
        """The variables that give another process the same settings, secrets included."""
        variables: dict[str, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is not None:
                variables[PREFIX + name.upper()] = _as_text(value)
        return variables


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _in_words(error: ValidationError) -> str:
    problems: list[str] = []
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        name = PREFIX + str(one["loc"][0]).upper()
        problems.append(f"{name}: {one['msg'].removeprefix('Value error, ')}")
    return "; ".join(problems)
