"""
Dates in the forms that archives use. A date is understood in full, or refused with the reason.

Understood are ISO 8601, the dates of feeds and mail (RFC 5322), of `date`, C, Java, JavaScript, Go,
Ruby and SQL, of WordPress, Drupal and Oracle, English month names, and Unix times.
"""

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import regex

from features.timezones import zone_offset

EXPECTED = "expected a date, such as 2025-03-13T07:12:44Z"
LONGEST_DATE = 100  # characters
_SHORTEST_NUMERIC_DATE = len("1/2/2025")
# The year of the first newspaper. Earlier years are of another calendar: 1403 is Persian.
_FIRST_YEAR = 1605
# The Thai calendar is 543 years ahead. All other future years are embargoes, however far away.
_BUDDHIST_YEARS = range(_FIRST_YEAR + 843, 2700)


class DateRules(NamedTuple):
    """
    Rules of a site or a file for dates that can be read in several ways.

    Fields:
        zone: of dates without one, and of abbreviations with several meanings; None is UTC.
        day_first: whether 4/5/2025 is 4 May. None means unknown: such a date is refused.
    """

    zone: ZoneInfo | None = None
    day_first: bool | None = None


NO_RULES = DateRules()

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_WEEKDAY = (
    r"(?P<weekday>mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs?|rsday)?|fri(?:day)?"
    r"|sat(?:urday)?|sun(?:day)?)\.?,?[ ]"
)
_MONTH_NAME = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_ISO_DATE = (
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)|(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
    r"|(?P<year>\d{4})-?W(?P<week>\d\d)(?:-?(?P<isoday>[1-7]))?"
)
# Months by name, or numbers with the year first, or numbers with dots, where the day is first.
_CLEAR_DATE = rf"""
      {_DAY}[ .-]?[ ]?(?:of[ ])?{_MONTH_NAME},?[ .-]?(?:{_YEAR}|(?P<shortyear>\d\d))
    | {_MONTH_NAME}[ -]?{_DAY},?[ -]?{_YEAR}
    | {_YEAR}[ -]{_MONTH_NAME}[ -]{_DAY}
    | {_YEAR}/(?P<month>\d{{1,2}})/{_DAY}
    | {_YEAR}\.[ ]?(?P<month>\d{{1,2}})\.[ ]?{_DAY}\.?
    | {_YEAR}-(?P<month>\d{{1,2}})-{_DAY}
    | {_DAY}/{_MONTH_NAME}/{_YEAR}
    | {_YEAR}年[ ]?(?P<month>\d{{1,2}})月[ ]?{_DAY}日
    | {_DAY}\.[ ]?(?P<month>\d{{1,2}})\.[ ]?{_YEAR}
"""
# The day or the month may come first, and this must not be guessed.
_UNCLEAR_DATE = r"(?P<left>\d{1,2})(?P<mark>[/-])(?P<right>\d{1,2})(?P=mark)(?P<year>\d{4})"
_MERIDIEM = r"(?P<meridiem>[ap])\.?m\.?"
_TIME = rf"""(?:
      (?P<hour>\d{{1,2}})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d)(?:[.,:](?P<fraction>\d+))?)?
      (?:[ ]?{_MERIDIEM}|[ ]Uhr\b)?
    | (?P<hour>\d{{1,2}})[ ]?{_MERIDIEM}
    | (?P<hour>\d{{1,2}})[時时][ ]?(?P<minute>\d\d)分(?:[ ]?(?P<second>\d\d)秒)?
)"""
_ISO_TIME = r"""(?:
      (?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?
    | (?P<hour>\d\d)(?P<minute>\d\d)(?:(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?
)"""
_BETWEEN = r"(?:,?[ ]|,?[ ](?:at|um)[ ]|,?[ ][-–·@][ ]|T|(?<=/\d{4}):)"  # the last is Apache's
_ZONE = r"(?P<zone>(?![ap]\.?m\b)[a-z+\-−(\[].*)"
_SHORT_ZONE = r"(?P<zone>[A-Za-z]{1,5}|[A-Za-z]{0,3}[+\-−]\d\d?:?(?:\d\d)?)"


def _pattern(layout: str) -> regex.Pattern[str]:
    return regex.compile(layout, regex.VERBOSE | regex.IGNORECASE | regex.ASCII)


# Tried in this order. Each must match the whole text.
_LAYOUTS = (
    _pattern(rf"(?:{_ISO_DATE})(?:(?:T|[ ]|_){_ISO_TIME}(?:[ ]?{_ZONE})?)?"),
    # A date with a zone, as in XML Schema: 2025-03-13+01:00 is midnight there.
    _pattern(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?P<zone>Z|\+\d\d:\d\d)"),
    _pattern(
        r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
        r"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)"
    ),
    # C, Unix and Java: Thu Jul 10 07:12:44 EDT 2025
    _pattern(rf"(?:{_WEEKDAY})?{_MONTH_NAME}[ ]{_DAY}[ ]{_TIME}(?:[ ]{_SHORT_ZONE})?[ ]{_YEAR}"),
    _pattern(
        rf"(?:{_WEEKDAY})?(?:{_CLEAR_DATE}|{_UNCLEAR_DATE})"
        rf"(?:{_BETWEEN}{_TIME}(?:[ ]?{_ZONE})?)?"
    ),
    _pattern(
        rf"{_TIME}(?:[ ]{_SHORT_ZONE}|[ ]?\({_SHORT_ZONE}\))?,?[ ](?:[-–·][ ]|on[ ])?"
        rf"(?:{_WEEKDAY})?(?:{_CLEAR_DATE}|{_UNCLEAR_DATE})(?:[ ](?P<zone>\(\w+\)))?"
    ),
)
# Most archives send this, and Python parses it in a quarter of the time.
_PLAIN_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_NUMBER = regex.compile(r"[0-9]{9,19}(?:\.[0-9]+)?")
# JSON of .NET before 2012: milliseconds, and an offset that changes nothing.
_NET_JSON = regex.compile(r"\\?/Date\((-?[0-9]{1,17})(?:[+-][0-9]{4})?\)\\?/")

# Systems without a null value write one of these.
_NO_DATE = frozenset((
    "", "0", "-", "–", "—", r"\n", "n/a", "na", "nan", "nat", "nil", "none", "null", "undefined",
    "invalid date", "tbd", "-62135596800", "-62135596800000", "1900-01-00", "00.00.0000",
    "00:00:00",
))  # fmt: skip
# The first moments of calendars, in local time: of .NET, Java and Go; Windows files; SQL Server;
# Excel, which has two; Unix. The last moments of calendars are embargoes without end.
_FIRST_MOMENTS = frozenset(map(datetime.fromisoformat, (
    "0001-01-01", "1582-10-15", "1601-01-01", "1753-01-01", "1899-12-30", "1899-12-31",
    "1900-01-01", "1904-01-01", "1970-01-01",
)))  # fmt: skip
_ZERO_DATE = regex.compile(r"(?:-\d{4,6}|0000)-\d\d-\d\d.*|0000/00/00.*|00/00/0000.*")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
_AROUND_EPOCH = timedelta(hours=14)


def parse_date(value: object, rules: DateRules = NO_RULES) -> datetime | None:
    """
    Read a date as an instant in UTC; a date without a time is its midnight.

    A number is a Unix time in seconds, milliseconds, micro- or nanoseconds, whose ranges do not
    overlap from 1973 to 2286. The first moment of a calendar, and anything else that stands for no
    date, is None.

    Raises:
        ValueError: it names what is not understood, or what can be read in two ways.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(EXPECTED)
    text = _NET_JSON.sub(r"\1", " ".join(str(value).split()))
    if text.casefold() in _NO_DATE or _ZERO_DATE.fullmatch(text):
        return None
    if len(text) > LONGEST_DATE:
        raise ValueError(EXPECTED)
    try:
        return _instant(text, rules)
    except OverflowError:
        raise ValueError(f"{EXPECTED}; this one is out of range") from None


def parse_moment(value: object) -> datetime | None:
    """
    Read a date in a request, such as a limit. Only null and an empty string are no date.

    Raises:
        ValueError: also for the placeholders that systems write instead of a date.
    """
    moment = parse_date(value)
    if moment is None and value not in (None, ""):
        raise ValueError(EXPECTED)
    return moment


def is_placeholder(value: object) -> bool:
    """Whether this stands for no date."""
    if value is None:
        return True
    try:
        return parse_date(value) is None
    except ValueError:
        return False


class DayOrder:
    """
    Finds out from the dates of one file whether the day comes before the month.

    Attributes:
        has_numbers: whether any date is in numbers, with the day or the month first.
    """

    def __init__(self) -> None:
        self.has_numbers = False
        self._votes: set[bool] = set()

    def add(self, value: object) -> None:
        text = " ".join(value.split()) if isinstance(value, str) else ""
        parts = _parts(text) if _SHORTEST_NUMERIC_DATE <= len(text) <= LONGEST_DATE else None
        if parts is None or "left" not in parts:
            return
        self.has_numbers = True
        days = _readings(parts)
        if len(days) == 1 and parts["left"] != parts["right"]:
            self._votes.add(days[0].day == int(parts["left"]))

    @property
    def is_contradictory(self) -> bool:
        return len(self._votes) > 1

    @property
    def is_day_first(self) -> bool | None:
        """None if no date decides it, or if dates contradict each other."""
        return next(iter(self._votes)) if len(self._votes) == 1 else None


def _instant(text: str, rules: DateRules) -> datetime | None:
    if _NUMBER.fullmatch(text) and (moment := _unix_time(text)) is not None:
        return moment
    wall, ahead = _wall_and_offset(text, rules)
    if _is_first_moment(wall, ahead):
        return None
    if ahead is None:
        ahead = wall.replace(tzinfo=rules.zone).utcoffset()
    moment = wall - (ahead or timedelta(0))
    if moment == _EPOCH:
        return None
    if wall.year < _FIRST_YEAR or wall.year in _BUDDHIST_YEARS:
        raise ValueError(f"{EXPECTED}; the year {wall.year} is not possible for news")
    return moment.replace(tzinfo=UTC)


def _wall_and_offset(text: str, rules: DateRules) -> tuple[datetime, timedelta | None]:
    """The local time, and how far ahead of UTC it is if the text says so."""
    if _PLAIN_ISO.fullmatch(text):
        with suppress(ValueError):  # the code below has a better message
            moment = datetime.fromisoformat(text)
            return moment.replace(tzinfo=None), moment.utcoffset()
    parts = _parts(text)
    if parts is None:
        raise ValueError(EXPECTED)
    wall = _wall_time(parts, rules)
    zone = parts.get("zone")
    return wall, None if zone is None else zone_offset(zone, wall, rules.zone)


def _parts(text: str) -> dict[str, str] | None:
    for layout in _LAYOUTS:
        match = layout.fullmatch(text)
        if match is not None:
            return {name: part for name, part in match.groupdict().items() if part is not None}
    return None


def _unix_time(text: str) -> datetime | None:
    """The moment of a Unix time in seconds or smaller units; None if it is a calendar date."""
    whole = text.partition(".")[0]
    if len(whole) in (10, 12) and _is_calendar(whole):
        raise ValueError(f"{EXPECTED}; {text} is a Unix time or a date without separators")
    if len(whole) == 14 and _is_calendar(whole):
        return None
    number = float(text)
    for unit in (1, 10**3, 10**6, 10**9):
        if 10**8 * unit <= number < 10**10 * unit:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=number / unit)
    raise ValueError(EXPECTED)


def _is_calendar(digits: str) -> bool:
    """Whether the digits are year, month, day, hour, minute and second, or the first of these."""
    try:
        datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return False
    return 1900 <= int(digits[:4]) < 2100


def _wall_time(parts: dict[str, str], rules: DateRules) -> datetime:
    day = _day(parts, rules)
    if "weekday" in parts and _WEEKDAYS.index(parts["weekday"][:3].lower()) != day.weekday():
        raise ValueError(f"{EXPECTED}; {day.isoformat()} is not a {parts['weekday']}")
    clock, days = _clock(parts)
    return datetime.combine(day, clock) + timedelta(days=days)


def _day(parts: dict[str, str], rules: DateRules) -> date:
    if "left" in parts:
        return _numeric_day(parts, rules)
    try:
        if "week" in parts:
            return date.fromisocalendar(
                int(parts["year"]), int(parts["week"]), int(parts.get("isoday", 1))
            )
        return date(_year(parts), _month(parts["month"]), int(parts["day"]))
    except ValueError:
        raise ValueError(f"{EXPECTED}; there is no such day") from None


def _numeric_day(parts: dict[str, str], rules: DateRules) -> date:
    days = _readings(parts)
    if rules.day_first is not None and len(days) == 2:
        return days[0] if rules.day_first else days[1]
    if not days:
        raise ValueError(f"{EXPECTED}; there is no such day")
    if len(days) == 2:
        raise ValueError(f"{EXPECTED}; this can be {days[0]:%-d %B} or {days[1]:%-d %B}")
    return days[0]


def _readings(parts: dict[str, str]) -> list[date]:
    """The days that a numeric date can mean, the one with the day before the month first."""
    left = int(parts["left"])
    right = int(parts["right"])
    year = int(parts["year"])
    days = []
    for month, day in ((right, left), (left, right)):
        try:
            days.append(date(year, month, day))
        except ValueError:
            continue
    if "weekday" in parts:
        weekday = _WEEKDAYS.index(parts["weekday"][:3].lower())
        days = [day for day in days if day.weekday() == weekday] or days
    return days[:1] if len(set(days)) == 1 else days


def _year(parts: dict[str, str]) -> int:
    if "shortyear" not in parts:
        return int(parts["year"])
    short = int(parts["shortyear"])
    return short + (2000 if short < 50 else 1900)  # RFC 5322, section 4.3


def _month(text: str) -> int:
    return int(text) if text.isdecimal() else _MONTHS.index(text[:3].lower()) + 1


def _clock(parts: dict[str, str]) -> tuple[time, int]:
    """The time of day, and how many days later it is: 24:00 is the next midnight."""
    hour = int(parts.get("hour", 0))
    minute = int(parts.get("minute", 0))
    second = int(parts.get("second", 0))
    if "meridiem" in parts:
        hour = _hour_of_24(hour, parts["meridiem"].lower() == "p")
    if (hour, minute, second) == (24, 0, 0):
        return time(0), 1
    leap = 1 if (minute, second) == (59, 60) else 0
    microsecond = int(parts.get("fraction", "").ljust(6, "0")[:6])
    try:
        clock = time(hour, minute, second - leap, microsecond)
    except ValueError:
        raise ValueError(f"{EXPECTED}; there is no such time of day") from None
    return clock, 0


def _hour_of_24(hour: int, is_afternoon: bool) -> int:
    if not 1 <= hour <= 12:
        raise ValueError(f"{EXPECTED}; {hour} is not an hour of a 12-hour clock")
    return hour % 12 + (12 if is_afternoon else 0)


def _is_first_moment(wall: datetime, ahead: timedelta | None) -> bool:
    if wall.replace(microsecond=0) in _FIRST_MOMENTS:
        return True
    # The Unix epoch in the local time of an unknown place.
    is_hour = (wall.minute, wall.second) == (0, 0)
    return ahead is None and is_hour and abs(wall - _EPOCH) <= _AROUND_EPOCH
