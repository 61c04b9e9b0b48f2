"""The names of a site's keys."""

LOG_LENGTH = 100_000  # entries that a site's change log keeps


def site_key(site: str, *parts: str) -> str:
    """
    Return `see:{site}:part:part`.

    The braces are Redis Cluster's hash tag. An article id is never a part: pass its digest.
    """
    return ":".join((f"see:{{{site}}}", *parts))
