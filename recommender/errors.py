"""
What can go wrong, as a tree.

AlsoSeeError
├── NotFound            the site, article or key asked for is not there
├── Conflict            a newer version is stored, or the article was deleted
├── InvalidParameter    a request parameter cannot be used
├── TooManyRequests     more was sent at once than is taken
├── StoreUnavailable    the store cannot be reached in time, or refuses writes
├── CorruptRecord       stored bytes fail their checksum or have an unknown format
├── ConfigurationError  settings that cannot work; stops startup
└── InvalidTruth        judged pairs, or a run of them, that cannot be used

`features.article.InvalidArticle` and `recommender.storage.embedded.EmbeddedServerError` stand
beside it, where they are raised.
"""


class AlsoSeeError(Exception):
    """Base of all errors with a sentence for the person who caused or meets them."""


class NotFound(AlsoSeeError):
    pass


class Conflict(AlsoSeeError):
    pass


class InvalidParameter(AlsoSeeError):
    """*name* is the parameter as the sender wrote it."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail


class TooManyRequests(AlsoSeeError):
    pass


class StoreUnavailable(AlsoSeeError):
    """The text may be shown to anybody; *reason* names hosts and paths, and is for the log."""

    def __init__(self, detail: str, reason: str = "") -> None:
        super().__init__(detail)
        self.reason = reason


class CorruptRecord(AlsoSeeError):
    pass


class ConfigurationError(AlsoSeeError):
    pass


class InvalidTruth(AlsoSeeError):
    pass
