"""How the keys of a site are spelt; the braces are Redis Cluster's hash tag."""

LOG_LENGTH = 100_000  # changes of a site that its log remembers


def site_key(site: str, *parts: str) -> str:
    """`see:{site}:part:part`; an id is never a part as it is, but as a digest."""
    return ":".join((f"see:{{{site}}}", *parts))
