"""
The time zones that dates name: numeric offsets, names that mean one thing, and IANA names.

An abbreviation is not resolved to a number but to a zone whose clocks show it, because even an
unambiguous one has moved: MSK was UTC+4 from 2011 to 2014.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import regex

# Abbreviation → the zones that use it. Those with several zones are ambiguous, and only the site's
# own zone can settle them. From the tz database, plus the names in Java's and older systems' dates
# that the database no longer has. The North American names but CST are those of RFC 5322, section
# 4.3, which outweighs their use in the Philippines and in Cuba.
_ZONES_BY_NAME = """
    ACDT=Australia/Adelaide ACST=Australia/Adelaide ADT=America/Halifax AEDT=Australia/Sydney
    AEST=Australia/Sydney AKDT=America/Anchorage AKST=America/Anchorage
    ART=America/Argentina/Buenos_Aires AST=America/Halifax,Asia/Riyadh AWST=Australia/Perth
    BRT=America/Sao_Paulo BST=Europe/London,Asia/Dhaka,Pacific/Bougainville CAT=Africa/Maputo
    CDT=America/Chicago CEST=Europe/Berlin CET=Europe/Berlin CHST=Pacific/Guam COT=America/Bogota
    CST=America/Chicago,Asia/Shanghai,Asia/Taipei,America/Havana EAT=Africa/Nairobi
    EDT=America/New_York EEST=Europe/Athens EET=Europe/Athens EST=America/New_York
    GST=Asia/Dubai,Atlantic/South_Georgia HDT=America/Adak HKT=Asia/Hong_Kong HST=Pacific/Honolulu
    ICT=Asia/Bangkok IDT=Asia/Jerusalem IRST=Asia/Tehran
    IST=Asia/Kolkata,Europe/Dublin,Asia/Jerusalem JST=Asia/Tokyo KST=Asia/Seoul MDT=America/Denver
    MEST=Europe/Berlin MESZ=Europe/Berlin MET=Europe/Berlin MEZ=Europe/Berlin MSD=Europe/Moscow
    MSK=Europe/Moscow MST=America/Denver MYT=Asia/Kuala_Lumpur NDT=America/St_Johns
    NPT=Asia/Kathmandu NST=America/St_Johns NZDT=Pacific/Auckland NZST=Pacific/Auckland
    PDT=America/Los_Angeles PET=America/Lima PHT=Asia/Manila PKT=Asia/Karachi
    PST=America/Los_Angeles SAST=Africa/Johannesburg SGT=Asia/Singapore
    SST=Pacific/Pago_Pago,Asia/Singapore TRT=Europe/Istanbul UYT=America/Montevideo
    VET=America/Caracas WAT=Africa/Lagos WEST=Europe/Lisbon WET=Europe/Lisbon WIB=Asia/Jakarta
    WIT=Asia/Jayapura WITA=Asia/Makassar
"""
ZONES_BY_NAME: dict[str, tuple[str, ...]] = {
    name: tuple(zones.split(","))
    for name, zones in (entry.split("=") for entry in _ZONES_BY_NAME.split())
}
# "7 p.m. ET" means what clocks show there, winter and summer.
_CLOCKS_OF = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}
_UTC_NAMES = frozenset(("GMT", "UCT", "UT", "UTC", "Z", "ZULU"))
# What the tz database calls otherwise than people do.
_TZ_NAMES = {"MET": "CET", "MEZ": "CET", "MEST": "CEST", "MESZ": "CEST"}

_OFFSET = regex.compile(
    r"(?:(?:UTC|GMT|UT) ?)?(?P<sign>[+\-−])(?P<hours>\d{1,2})(?::?(?P<minutes>[0-5]\d))?(?::?00)?",
    regex.IGNORECASE,
)
_COMMENT = regex.compile(r"\([^()]*\)")
_LONGEST_OFFSET = timedelta(hours=16)  # the furthest that a clock has ever been from Greenwich
# To meet both halves of a year: summer time lasts seven months in the north.
_SHIFTS = [timedelta(days=days) for days in (0, -90, 90, -180, 180)]


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """
    The zone with an IANA name such as Europe/Kyiv.

    Raises:
        ValueError: for any other text.
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # a folder, a path upwards, no such file
        raise ValueError(
            f"expected a time zone of the IANA database, such as Europe/Kyiv, not {name!r}"
        ) from None


def zone_offset(text: str, wall: datetime, site_zone: ZoneInfo | None) -> timedelta:
    """
    How far ahead of UTC the clock was that showed *wall*, by what a date says after its time.

    Args:
        text: an offset, a name, an IANA name, or an offset with one of these behind it.
        wall: without a zone.
        site_zone: settles names with several meanings.

    Raises:
        ValueError: where any part of the text is not understood, or it contradicts itself.
    """
    text = text.strip()
    offset = _OFFSET.match(text)
    if offset is None:
        inner = text[1:-1] if _COMMENT.fullmatch(text) else text
        return _named_offset(inner.strip(), wall, site_zone)
    ahead = _numeric_offset(offset)
    rest = text[offset.end() :].strip()
    # RFC 5322 and JavaScript explain the offset in a comment, in any language.
    if rest and not _COMMENT.fullmatch(rest):
        _check_agrees(rest, ahead, wall, site_zone)
    return ahead


def _numeric_offset(offset: regex.Match[str]) -> timedelta:
    ahead = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"] or 0))
    if ahead > _LONGEST_OFFSET:
        raise ValueError(f"no clock is {offset[0]!r} from UTC")
    return ahead if offset["sign"] == "+" else -ahead


def _check_agrees(name: str, ahead: timedelta, wall: datetime, site_zone: ZoneInfo | None) -> None:
    """Go writes "+0200 CEST", Java "+02:00[Europe/Berlin]": both parts must say the same."""
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    if ahead not in _possible_offsets(name, wall, site_zone):
        raise ValueError(f"the time zone {name!r} is not the one of the offset before it")


def _possible_offsets(name: str, wall: datetime, site_zone: ZoneInfo | None) -> list[timedelta]:
    if "/" in name:
        return _both_offsets(zone_named(name), wall)
    zones = ZONES_BY_NAME.get(name.upper(), ())
    if len(zones) > 1:  # here the offset settles which is meant
        found = [_offset_under_name(zone_named(zone), name.upper(), wall) for zone in zones]
        return [offset for offset in found if offset is not None]
    return [_named_offset(name, wall, site_zone)]


def _named_offset(name: str, wall: datetime, site_zone: ZoneInfo | None) -> timedelta:
    upper = name.upper()
    if upper in _UTC_NAMES:
        return timedelta(0)
    if upper in _CLOCKS_OF:
        return _both_offsets(zone_named(_CLOCKS_OF[upper]), wall)[0]
    if "/" in name:
        return _both_offsets(zone_named(name), wall)[0]
    zones = ZONES_BY_NAME.get(upper, ())
    offset = None if site_zone is None else _offset_by_site(site_zone, upper, zones, wall)
    if offset is None and len(zones) > 1:
        raise ValueError(
            f"the time zone {name!r} has several meanings ({', '.join(zones)}): "
            "set the site's zone, or send an offset"
        )
    if offset is None and zones:
        offset = _offset_under_name(zone_named(zones[0]), upper, wall)
    if offset is None:
        raise ValueError(f"no known time zone is called {name!r}")
    return offset


def _offset_by_site(
    site_zone: ZoneInfo, name: str, zones: tuple[str, ...], wall: datetime
) -> timedelta | None:
    """What the name means to people who live by the site's clock, if it means anything to them."""
    own = _offset_under_name(site_zone, name, wall)
    if own is not None:
        return own
    # Oman's clock is that of Dubai, and has no name in the tz database either.
    neighbours = [_standard_offset(zone_named(zone), wall) for zone in zones]
    standard = _standard_offset(site_zone, wall)
    return standard if standard in neighbours else None


def _offset_under_name(zone: ZoneInfo, name: str, wall: datetime) -> timedelta | None:
    """The zone's offset under this name: at that time, or else in that year."""
    spellings = {name, _TZ_NAMES.get(name, name)}
    if zone.key.startswith("Australia/"):
        spellings.add("A" + name)  # Australians leave out the A
    for shift in _SHIFTS:
        for fold in (0, 1):
            moment = _shifted(wall, shift).replace(tzinfo=zone, fold=fold)
            if (moment.tzname() or "").upper() in spellings:
                return moment.utcoffset()
    return _standard_offset(zone, wall) if zone.key in ZONES_BY_NAME.get(name, ()) else None


def _standard_offset(zone: ZoneInfo, wall: datetime) -> timedelta | None:
    """The zone's offset without summer time, if the tz database has only numbers for its names."""
    moment = wall.replace(tzinfo=zone)
    if (moment.tzname() or "")[:1] not in ("+", "-"):
        return None
    return (moment.utcoffset() or timedelta(0)) - (moment.dst() or timedelta(0))


def _shifted(wall: datetime, shift: timedelta) -> datetime:
    try:
        return wall + shift
    except OverflowError:
        return wall


def _both_offsets(zone: ZoneInfo, wall: datetime) -> list[timedelta]:
    """What the zone's clocks may mean: two things in the hour that is repeated in autumn."""
    offsets = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return [offset or timedelta(0) for offset in offsets]
