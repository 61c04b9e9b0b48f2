"""
The time zones that dates name: numeric offsets, abbreviations and IANA names.

An abbreviation is resolved to a zone whose clocks show it and not to a number, because even an
unambiguous one has changed: MSK was UTC+4 from 2011 to 2014.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import regex

# Abbreviation → the zones that use it. An abbreviation of several zones is ambiguous, and only the
# site's own zone resolves it. The source is the tz database, with names that it no longer has but
# Java and older systems write. For North America, all names but CST have the meaning of RFC 5322,
# section 4.3, although the Philippines and Cuba use some of them too.
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
ZONES_BY_NAME: dict[str, tuple[str, ...]] = {}
for _entry in _ZONES_BY_NAME.split():
    _name, _zones = _entry.split("=")
    ZONES_BY_NAME[_name] = tuple(_zones.split(","))
# "7 p.m. ET" is what clocks show there, in winter and in summer.
_CLOCKS_OF = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}
_UTC_NAMES = frozenset(("GMT", "UCT", "UT", "UTC", "Z", "ZULU"))
# Names for which the tz database has another one.
_TZ_NAMES = {"MET": "CET", "MEZ": "CET", "MEST": "CEST", "MESZ": "CEST"}

_OFFSET = regex.compile(
    r"(?:(?:UTC|GMT|UT) ?)?(?P<sign>[+\-−])(?P<hours>\d{1,2})(?::?(?P<minutes>[0-5]\d))?(?::?00)?",
    regex.IGNORECASE,
)
_COMMENT = regex.compile(r"\([^()]*\)")
_LONGEST_OFFSET = timedelta(hours=16)  # the furthest that a clock has ever been from Greenwich
# Moments in both halves of a year: summer time lasts seven months in the north.
_SHIFTS = [*map(timedelta, (0, -90, 90, -180, 180))]


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
    How far ahead of UTC the clock was that showed *wall*.

    Args:
        text: the zone as the date gives it: an offset, an abbreviation, an IANA name, or an offset
            followed by one of these.
        wall: without a zone.
        site_zone: resolves names with several meanings.

    Raises:
        ValueError: if any part of the text is not understood, or it contradicts itself.
    """
    text = text.strip()
    offset = _OFFSET.match(text)
    if offset is None:
        inner = text[1:-1] if _COMMENT.fullmatch(text) else text
        return _named_offset(inner.strip(), wall, site_zone)
    ahead = _numeric_offset(offset)
    rest = text[offset.end() :].strip()
    # RFC 5322 and JavaScript repeat the offset in a comment, in any language.
    if rest and not _COMMENT.fullmatch(rest):
        _check_agrees(rest, ahead, wall, site_zone)
    return ahead


def _numeric_offset(offset: regex.Match[str]) -> timedelta:
    ahead = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"] or 0))
    if ahead > _LONGEST_OFFSET:
        raise ValueError(f"no clock is {offset[0]!r} from UTC")
    return ahead if offset["sign"] == "+" else -ahead


def _check_agrees(name: str, ahead: timedelta, wall: datetime, site_zone: ZoneInfo | None) -> None:
    """Go writes "+0200 CEST", Java "+02:00[Europe/Berlin]": both parts must agree."""
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    if ahead not in _possible_offsets(name, wall, site_zone):
        raise ValueError(f"the time zone {name!r} is not the one of the offset before it")


def _possible_offsets(name: str, wall: datetime, site_zone: ZoneInfo | None) -> list[timedelta]:
    if "/" in name:
        return _both_offsets(zone_named(name), wall)
    zones = ZONES_BY_NAME.get(name.upper(), ())
    if len(zones) < 2:
        return [_named_offset(name, wall, site_zone)]
    offsets = []
    for zone in zones:
        offset = _offset_under_name(zone_named(zone), name.upper(), wall)
        if offset is not None:
            offsets.append(offset)
    return offsets


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
    """The offset that the name has in the site's own zone, if it has one there."""
    own = _offset_under_name(site_zone, name, wall)
    if own is not None:
        return own
    # Oman has the same time as Dubai, and its zone has no name in the tz database either.
    neighbours = [_standard_offset(zone_named(zone), wall) for zone in zones]
    standard = _standard_offset(site_zone, wall)
    return standard if standard in neighbours else None


def _offset_under_name(zone: ZoneInfo, name: str, wall: datetime) -> timedelta | None:
    """The zone's offset under this name: at that time, or else within half a year of it."""
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
    """The zone's offset without summer time, if the tz database has no name for it."""
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
    """The offsets that a local time may have, which differ in the hour repeated in autumn."""
    offsets = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return [offset or timedelta(0) for offset in offsets]
