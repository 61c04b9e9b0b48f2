"""Template filters for dates and times, in UTC."""

from datetime import UTC, date, datetime

from markupsafe import Markup


def day(when: str | date | None) -> Markup:
    """As `13 March 2025`, in a `<time>` element."""
    return _element(when, "{0.day} {0:%B %Y}")


def moment(when: str | date | None) -> Markup:
    """As `13 March 2025, 07:12 UTC`, in a `<time>` element."""
    return _element(when, "{0.day} {0:%B %Y, %H:%M} UTC")


def _element(when: str | date | None, pattern: str) -> Markup:
    if not when:
        return Markup("<span>no date</span>")
    iso = when if isinstance(when, str) else when.isoformat()
    parsed = datetime.fromisoformat(iso)
    # A date without a time is a day of UTC already.
    in_utc = parsed.astimezone(UTC) if parsed.tzinfo else parsed
    return Markup('<time datetime="{}">{}</time>').format(iso, pattern.format(in_utc))
