"""Dates as real archives write them: every part is understood, or the date is refused by name."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from field_cases import FOLDER, needs_field_cases, rows
from hypothesis import given
from hypothesis import strategies as st

from features.dates import DateRules, DayOrder, is_placeholder, parse_date
from features.timezones import zone_named
from recommender.sources import day_order
from recommender.sources.records import Record

REFUSED = "refused"
# Names that RFC 5322 gives to North America, and that of Seoul, as these places use or used them.
CHINESE = ("Chongqing", "Chungking", "Harbin", "Macao", "Macau", "Shanghai", "Taipei")
ELSEWHERE = {
    ("PST", "Asia/Manila"),
    ("PDT", "Asia/Manila"),
    ("CDT", "America/Havana"),
    *(("CDT", f"Asia/{city}") for city in CHINESE),
    ("KST", "Asia/Pyongyang"),
}

zones = st.sampled_from(sorted(zone for zone in available_timezones() if "/" in zone)).map(ZoneInfo)
moments = st.datetimes(datetime(1975, 1, 1), datetime(2037, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


def read(text: object, zone: str | None = None) -> str:
    """The date in UTC, or the word that it is refused."""
    rules = DateRules(None if zone is None else ZoneInfo(zone))
    try:
        moment = parse_date(text, rules)
    except ValueError:
        return REFUSED
    return "none" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")


@needs_field_cases
def test_every_date_of_the_field_is_its_instant_or_refused():
    with (FOLDER / "18-dates/d.csv").open() as file:
        dates = {row["id"]: read(row["date"]) for row in csv.DictReader(file)}

    assert {
        "a": "2025-03-13 19:12:00",
        "b": "2025-03-13 00:05:00",
        "c": "2025-07-10 05:12:44",
        "d": "2025-07-09 22:12:44",
        "e": "2025-07-09 21:12:44",
        "f": REFUSED,
        "g": "2025-07-09 22:12:44",
        "h": "2025-07-10 11:12:44",
        "i": REFUSED,
        "j": "2025-07-10 07:12:44",
        "k": "2025-07-10 05:12:44",
        "l": "2025-07-10 11:12:44",
        "m": "2025-07-10 23:12:44",
    } == dates


@needs_field_cases
def test_dates_of_an_office_are_read_where_they_can_mean_one_thing():
    with (FOLDER / "01-excel-csv/dates.csv").open() as file:
        dates = [read(row["date"]) for row in csv.DictReader(file, delimiter=";")]

    assert [
        "2025-03-13 07:12:00",
        "2025-03-13 00:00:00",
        "2025-03-13 19:12:00",
        "2025-03-13 19:12:00",
        REFUSED,
    ] == dates


@needs_field_cases
def test_sentinels_of_the_field_are_no_dates():
    dates = {row["id"]: read(row["published_at"]) for row in rows("18-dates/sent.jsonl")}

    assert {"z1": "none", "z2": "none", "z3": "2025-03-01 00:00:00"} == dates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-03-13T07:12:44Z", "2025-03-13 07:12:44"),
        ("2025-03-13T07:12:44.1234567+01:00", "2025-03-13 06:12:44"),
        ("2025-03-13t07:12:44z", "2025-03-13 07:12:44"),
        ("2025-03-13T07:12:44 +0100", "2025-03-13 06:12:44"),
        ("2025-03-13T07:12:44−05:00", "2025-03-13 12:12:44"),
        ("20250313T071244Z", "2025-03-13 07:12:44"),
        ("20250313071244", "2025-03-13 07:12:44"),
        ("2025-W11-4", "2025-03-13 00:00:00"),
        ("2025-03-13+01:00", "2025-03-12 23:00:00"),
        ("2025-03-13T24:00:00Z", "2025-03-14 00:00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31 23:59:59"),
        ("2025-07-13T07:12:44+02:00[Europe/Berlin]", "2025-07-13 05:12:44"),
        ("2025-03-13 07:12 Europe/Kyiv", "2025-03-13 05:12:00"),
        ("2025-07-13 07:12:44.123456789 +0200 CEST", "2025-07-13 05:12:44"),
        ("2025-03-13 07:12:44 PM", "2025-03-13 19:12:44"),
        ("Thu, 13 Mar 2025 07:12:44 -0000", "2025-03-13 07:12:44"),
        ("Thu, 13 Mar 2025 07:12:44 +0000 (GMT)", "2025-03-13 07:12:44"),
        ("Thu, 13 Mar 25 07:12 UT", "2025-03-13 07:12:00"),
        ("Thursday, 13-Mar-25 07:12:44 GMT", "2025-03-13 07:12:44"),
        ("13 Mar 1998 07:12:44 GMT", "1998-03-13 07:12:44"),
        ("Thu, 13 Mar 2025 07:12:44 PST", "2025-03-13 15:12:44"),
        ("Tue, 13 Mar 2012 07:12:44 MSK", "2012-03-13 03:12:44"),
        ("Thu, 13 Mar 2025 07:12:44 GMT+9", "2025-03-12 22:12:44"),
        ("Thu, 13 Mar 2025 07:12:44 UTC+05:30", "2025-03-13 01:42:44"),
        ("Thu Mar 13 07:12:44 2025", "2025-03-13 07:12:44"),
        ("Thu Mar 13 07:12:44 +0000 2025", "2025-03-13 07:12:44"),
        ("Thu, 03/13/2025 - 07:12", "2025-03-13 07:12:00"),
        ("Sat, 04/05/2025 - 10:00", "2025-04-05 10:00:00"),
        ("March 13, 2025 at 7:12 p.m. EDT", "2025-03-13 23:12:00"),
        ("March 13, 2025, 12 pm ET", "2025-03-13 16:00:00"),
        ("13th of March, 2025", "2025-03-13 00:00:00"),
        ("3 Sept. 2025", "2025-09-03 00:00:00"),
        ("13-MAR-25 07.12.44.000000 PM +02:00", "2025-03-13 17:12:44"),
        ("Mar 13 2025  7:12PM", "2025-03-13 19:12:00"),
        ("07:12, 13 March 2025 (UTC)", "2025-03-13 07:12:00"),
        ("7:12 PM · Mar 13, 2025", "2025-03-13 19:12:00"),
        ("13.03.2025 07:12", "2025-03-13 07:12:00"),
        ("2025. 3. 13.", "2025-03-13 00:00:00"),
        ("2025年3月13日 07時12分", "2025-03-13 07:12:00"),
        ("2025/03/13 07:12:44", "2025-03-13 07:12:44"),
        (1741849964, "2025-03-13 07:12:44"),
        (1741849964000, "2025-03-13 07:12:44"),
        ("1741849964", "2025-03-13 07:12:44"),
        (946684800, "2000-01-01 00:00:00"),
        ("/Date(1741849964000)/", "2025-03-13 07:12:44"),
        (r"\/Date(1741849964000+0100)\/", "2025-03-13 07:12:44"),
        ("13/Mar/2025:07:12:44 +0100", "2025-03-13 06:12:44"),
        ("13.03.2025 um 7:12 Uhr", "2025-03-13 07:12:00"),
        ("13.03.2025, 07.12 Uhr CET", "2025-03-13 06:12:00"),
    ],
)
def test_a_date_is_understood_in_full(text, expected):
    assert expected == read(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Thu, 10 Jul 2025 07:12:44 BANANA", "BANANA"),
        ("2025-07-10 07:12:44 yesterday evening", "yesterday evening"),
        ("Thu, 10 Jul 2025 07:12:44 BST", "several meanings"),
        ("Thu, 10 Jul 2025 07:12:44 IST", "Asia/Kolkata"),
        ("Thu, 13 Mar 2025 07:12:44 CST", "several meanings"),
        ("Thu, 13 Mar 2025 07:12:44 AST", "several meanings"),
        ("Thu, 13 Mar 2025 07:12:44 A", "'A'"),
        ("Fri, 13 Mar 2025 07:12:44 GMT", "2025-03-13 is not a Fri"),
        ("March 13, 2025 13:12 pm", "13 is not an hour"),
        ("March 13, 2025 0:12 pm", "0 is not an hour"),
        ("04/05/2025", "4 May or 5 April"),
        ("Fri, 04/05/2025", "4 May or 5 April"),
        ("2025-02-30", "no such day"),
        ("2025-03-13T25:00:00Z", "no such time"),
        ("2025-03-13T07:12:44+25:00", "+25:00"),
        ("2025-07-13T07:12:44+01:00[Europe/Berlin]", "Europe/Berlin"),
        (2025031307, "without separators"),
        ("202503130712", "without separators"),
        ("1403-12-23", "the year 1403"),
        ("2568-03-13", "the year 2568"),
        ("2025-03-13-07:00", "expected a date"),
        ("2025-03-13x07:12", "expected a date"),
        ("13/03/25", "expected a date"),
        ("March 2025", "expected a date"),
        ("2025", "expected a date"),
        (45729.3, "expected a date"),
        ("13 mars 2025 kl. 7", "expected a date"),
        ("Published: 13 March 2025", "expected a date"),
        (True, "expected a date"),
        ([2025, 3, 13], "expected a date"),
        ("2025-03-13" + " " * 10 + "x" * 200, "expected a date"),
    ],
)
def test_a_part_that_is_not_understood_refuses_the_date_by_its_name(text, part):
    with pytest.raises(ValueError, match=re.escape(part)):
        parse_date(text)


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        ("Europe/London", "Thu, 10 Jul 2025 07:12:44 BST", "2025-07-10 06:12:44"),
        ("Europe/Belfast", "Thu, 10 Jul 2025 07:12:44 BST", "2025-07-10 06:12:44"),
        ("Asia/Dhaka", "Thu, 10 Jul 2025 07:12:44 BST", "2025-07-10 01:12:44"),
        ("Europe/Berlin", "Thu, 10 Jul 2025 07:12:44 BST", REFUSED),
        ("Asia/Kolkata", "Thu, 10 Jul 2025 07:12:44 IST", "2025-07-10 01:42:44"),
        ("Europe/Dublin", "Thu, 10 Jul 2025 07:12:44 IST", "2025-07-10 06:12:44"),
        ("America/Chicago", "Thu, 13 Mar 2025 07:12:44 CST", "2025-03-13 13:12:44"),
        ("Asia/Taipei", "Thu, 13 Mar 2025 07:12:44 CST", "2025-03-12 23:12:44"),
        ("Asia/Manila", "Thu, 13 Mar 2025 07:12:44 PST", "2025-03-12 23:12:44"),
        ("Asia/Muscat", "Thu, 13 Mar 2025 07:12:44 GST", "2025-03-13 03:12:44"),
        ("Australia/Sydney", "Thu, 10 Jul 2025 07:12:44 EST", "2025-07-09 21:12:44"),
        ("Europe/Kyiv", "2025-07-10 07:12:44", "2025-07-10 04:12:44"),
        ("Europe/Kyiv", "2025-07-10", "2025-07-09 21:00:00"),
        ("Europe/Kyiv", "2025-07-10T07:12:44Z", "2025-07-10 07:12:44"),
    ],
)
def test_the_zone_of_the_site_settles_what_a_date_leaves_open(zone, text, expected):
    assert expected == read(text, zone)


@pytest.mark.parametrize(
    "nothing",
    [
        None, "", " ", "null", "None", "NaN", "NaT", r"\N", "Invalid Date", "n/a", "-", 0, "0",
        "/Date(-62135596800000)/", "-62135596800", "1900-01-00", "00:00:00", "TBD",
        "0000-00-00", "0000-00-00 00:00:00", "-0001-11-30T00:00:00", "-0001-11-30 00:00:00",
        "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1899-12-30", "1900-01-01 00:00:00",
        "1601-01-01T00:00:00Z", "1753-01-01", "1970-01-01", "1970-01-01T00:00:00",
        "1970-01-01T00:00:00.000Z", "1970-01-01T09:00:00+09:00", "1969-12-31T19:00:00-05:00",
        "Thu, 01 Jan 1970 00:00:00 GMT", "1969-12-31 16:00:00", "1970-01-01T01:00:00",
    ],
)  # fmt: skip
def test_what_systems_write_for_no_date_is_no_date(nothing):
    assert "none" == read(nothing)
    assert is_placeholder(nothing)


@pytest.mark.parametrize(
    "text",
    [
        *("1970-01-02", "1969-07-20T20:17:40Z", "1914-08-04", "1970-01-01T12:34:00Z"),
        *("2038-01-19T03:14:07Z", "9999-12-31T23:59:59Z", "2999-01-01"),
    ],
)
def test_a_story_of_long_ago_or_of_a_day_that_never_comes_keeps_its_date(text):
    assert text[:10] == read(text)[:10]
    assert not is_placeholder(text)


@given(moments, zones)
def test_a_date_without_a_zone_is_what_the_clocks_of_the_site_showed(moment, zone):
    local = moment.astimezone(zone)
    folds = {local.replace(fold=fold).utcoffset() for fold in (0, 1)}

    if len(folds) == 1:  # not in the hour that autumn repeats
        text = local.strftime("%d %B %Y at %H:%M:%S")
        expected = None if moment == datetime(1970, 1, 1, tzinfo=UTC) else moment
        assert expected == parse_date(text, DateRules(zone))


@given(moments, zones)
def test_the_name_of_a_zone_is_its_offset_at_that_time_or_refused(moment, zone):
    local = moment.astimezone(zone)
    text = f"{local:%a, %d %b %Y %H:%M:%S} {local.tzname()}"
    try:
        found = parse_date(text)
    except ValueError:
        return

    assert found in (moment, None) or (local.tzname(), zone.key) in ELSEWHERE


@given(moments, zones)
def test_where_the_site_lives_by_a_zone_its_names_mean_that_zone(moment, zone):
    local = moment.astimezone(zone)
    text = f"{local:%a, %d %b %Y %H:%M:%S} {local.tzname()}"

    assert parse_date(text, DateRules(zone)) in (moment, None)


@given(st.text(max_size=40) | st.integers() | st.floats())
def test_anything_is_a_date_or_refused(value):
    try:
        moment = parse_date(value)
    except ValueError:
        return
    assert moment is None or moment.tzinfo is UTC


def is_day_first(dates: list[object]) -> bool | None:
    order = DayOrder()
    for date in dates:
        order.add(date)
    return order.is_day_first


def test_a_file_decides_whether_its_days_come_first():
    assert is_day_first(["04/05/2025", "13/05/2025", "no date", None])
    assert is_day_first(["04/05/2025", "05/13/2025"]) is False
    assert is_day_first(["Sat, 05/04/2025"]) is True is not is_day_first(["Sat, 04/05/2025"])


def test_a_file_that_contradicts_itself_or_says_nothing_decides_nothing():
    assert is_day_first(["13/05/2025", "05/13/2025"]) is None
    assert is_day_first(["04/05/2025", "05/05/2025", "2025-03-13", "13 March 2025"]) is None


def test_days_come_first_where_the_file_has_decided_so():
    assert datetime(2025, 5, 4, tzinfo=UTC) == parse_date("04/05/2025", DateRules(day_first=True))
    assert datetime(2025, 4, 5, tzinfo=UTC) == parse_date("4-5-2025", DateRules(day_first=False))
    assert datetime(2025, 3, 13, tzinfo=UTC) == parse_date("3/13/2025", DateRules(day_first=True))


@pytest.mark.parametrize(
    "name", ["../etc/passwd", "Europe", "", "Mars/Olympus", "/etc/localtime", "EST5"]
)
def test_a_zone_is_one_of_the_iana_database(name):
    with pytest.raises(ValueError, match="IANA"):
        zone_named(name)


def test_a_file_is_read_no_further_than_to_the_date_that_contradicts_another() -> None:
    read: list[int] = []

    def records() -> Iterator[Record]:
        for line, date in enumerate(["13/05/2025", "05/13/2025", "04/05/2025"], 1):
            read.append(line)
            yield Record(line, {"date": date})

    assert day_order.is_day_first(records()) is None
    assert [1, 2] == read
