"""
The tree of errors.

AlsoSeeError
├── InvalidInput        input from outside cannot be used; names every bad field
├── UnusableData        the files of an evaluation cannot be used together, or at all
├── NotFound            the requested site, article or key does not exist
├── Conflict            a newer version is stored, or the article was deleted
├── TooManyRequests     more requests than the service accepts at once
├── TookTooLong         the request needs more time than one may take
├── StoreUnavailable    the store does not answer in time, or refuses writes
├── CorruptRecord       stored bytes fail their checksum or have an unknown format
├── ConfigurationError  settings that cannot work; stops startup
└── MissingExtra        optional packages that a command needs are not installed

`features.errors` defines `InvalidInput`, because `features` raises it too.
`recommender.storage.embedded.EmbeddedServerError` is outside the tree: it stops startup.
"""

from features.errors import AlsoSeeError, FieldProblem, InvalidInput, field_problems

__all__ = [
    "AlsoSeeError",
    "ConfigurationError",
    "Conflict",
    "CorruptRecord",
    "FieldProblem",
    "InvalidInput",
    "MissingExtra",
    "NotFound",
    "StoreUnavailable",
    "TooManyRequests",
    "TookTooLong",
    "UnusableData",
    "field_problems",
]


class UnusableData(AlsoSeeError):
    """The text names the file, and the line where there is one."""


class NotFound(AlsoSeeError):
    pass


class Conflict(AlsoSeeError):
    pass


class TooManyRequests(AlsoSeeError):
    pass


class TookTooLong(AlsoSeeError):
    pass


class StoreUnavailable(AlsoSeeError):
    """The text is safe to show to anyone; *reason* names hosts and paths, and is for the log."""

    def __init__(self, detail: str, reason: str = "") -> None:
        super().__init__(detail)
        self.reason = reason


class CorruptRecord(AlsoSeeError):
    pass


class ConfigurationError(AlsoSeeError):
    pass


class MissingExtra(AlsoSeeError):
    pass
