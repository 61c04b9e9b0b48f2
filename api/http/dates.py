"""Days and moments as pages write them, in one spelling, all in UTC."""

from datetime import UTC, date, datetime

from markupsafe import Markup


def day(when: str | date | None) -> Markup:
    """As `13 March 2025`, with the machine's spelling behind it; a filter of the templates."""
    return _element(when, "{0.day} {0:%B %Y}")


def moment(when: str | date | None) -> Markup:
    """As `13 March 2025, 07:12 UTC`."""
    return _element(when, "{0.day} {0:%B %Y, %H:%M} UTC")


def _element(when: str | date | None, spelling: str) -> Markup:
    if not when:
        return Markup("<span>no date</span>")
    iso = when if isinstance(when, str) else when.isoformat()
    read = datetime.fromisoformat(iso)
    # A day alone is a day of UTC already.
    in_utc = read.astimezone(UTC) if read.tzinfo else read
    shown = spelling.format(in_utc)
    return Markup('<time datetime="{}">{}</time>').format(iso, shown)
