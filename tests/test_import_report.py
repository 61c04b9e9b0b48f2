"""What an import says of its files: before it stores anything, and afterwards on the desk."""

import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile
import pytest
import redis
from click.testing import CliRunner, Result
from desk_visit import DeskVisit
from flask.testing import FlaskClient

from api.cli.main import main
from features.site_defaults import NO_DEFAULTS
from recommender.backend import Backend
from recommender.import_report import ImportReport
from recommender.ingest import check
from recommender.sources.records import Record
from recommender.storage.imports import ContentReport

SHARED_LINE = "Sign up for the newsletter of the Tidewater Courier every Thursday."
Run = Callable[..., Result]


@pytest.fixture
def run(redis_url: str, raw_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ALSOSEE_REDIS_URL", redis_url)
    return lambda *arguments: CliRunner().invoke(main, ["import", *map(str, arguments)])


@pytest.fixture
def desk(client: FlaskClient, backend: Backend) -> DeskVisit:
    visit = DeskVisit(client, backend, "look")
    visit.sign_in()
    return visit


def report_of(records: list[dict[str, Any]]) -> ContentReport:
    report = ImportReport()
    numbered = (Record(n, data) for n, data in enumerate(records, 1))
    for result, _ in check("main", numbered, NO_DEFAULTS):
        report.add("file", result)
    return report.finished()


def stored_keys(server: "redis.Redis") -> set[bytes]:
    return {key for key in server.scan_iter() if not key.endswith(b":format")}


TABLE = (
    "Nummer;Headline;Body;Datum;Ressort;Rubrik\n"
    "1;Gates fail;Oak gates at the Dunmere lock failed.;13.03.2025 08:00;x;World\n"
    "2;Barges wait;Barges wait at both ends.;14.03.2025 08:00;x;\n"
)
CHOSEN = ("--field", "id=Nummer", "--field", "published_at=Datum", "--field", "section=Rubrik")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


# --- the dry run


def test_a_check_shows_articles_fields_and_dates_and_stores_nothing(
    run: Run, table: Path, raw_redis: "redis.Redis"
) -> None:
    result = run(table, "--check", *CHOSEN, "--zone", "Europe/Kyiv")
    lines = result.stdout.splitlines()

    assert 0 == result.exit_code
    assert lines[:5] == [
        "1: Gates fail",
        "    body: Oak gates at the Dunmere lock failed.",
        "    excerpt: Oak gates at the Dunmere lock failed.",
        "    published_at: 2025-03-13T06:00:00Z",
        "    section: World",
    ]
    assert "title                 2        0  Headline (2)" in lines
    assert "section               1        1  Rubrik (1)" in lines
    assert "0 of 2 have: address, tags, authors, picture" in lines
    assert "Not used: Ressort (2)" in lines
    assert any(line.endswith("2 have no zone, and are read as Europe/Kyiv") for line in lines)
    assert "Languages: en (2)" in lines
    assert "Nothing is stored. 2 articles would be, 0 rejected." == lines[-1]
    assert set() == stored_keys(raw_redis)


def test_of_many_articles_a_check_shows_ten(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps({"id": n, "title": f"T{n}"}) + "\n" for n in range(30)))
    shown = [line for line in run(path, "--check").stdout.splitlines() if ": T" in line]

    assert [f"{n}: T{n}" for n in range(10)] == shown


def test_a_check_as_json_has_the_same_figures(run: Run, table: Path) -> None:
    answer = json.loads(run(table, "--check", "--json", *CHOSEN).stdout)
    contents = ContentReport.model_validate(answer["contents"][str(table)])

    assert 2 == contents.articles == answer["added"]
    assert {"Ressort": 2} == contents.unused


# --- names that the site has chosen


def test_options_are_kept_so_that_the_next_import_needs_none(
    run: Run, table: Path, backend: Backend
) -> None:
    assert 0 == run(table, *CHOSEN, "--zone", "Europe/Kyiv", "--language", "de").exit_code
    kept = backend.store.rulebook.settings("main").settings.articles
    again = run(table)

    assert ("Europe/Kyiv", "de") == (kept.zone, kept.language)
    assert {"id": "Nummer", "published_at": "Datum", "section": "Rubrik"} == kept.fields
    assert again.stdout.startswith("0 added, 0 changed, 2 unchanged, 0 rejected")
    [entry] = backend.store.rulebook.audit.page("main", 5).entries
    assert "alsosee import" == entry.author


def test_a_chosen_name_comes_before_the_names_that_are_known(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1, "title": "web", "print_title": "In print", "colour": "red"}\n')
    result = run(path, "--check", "--field", "title=Print Title")

    assert result.stdout.startswith("1: In print\n")
    assert "Not used: colour (1)" in result.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--field", "headline=x"), "--field: expected FIELD=COLUMN, where FIELD is one of id, "),
        (("--field", "title"), "--field: expected FIELD=COLUMN"),
        (("--field", "title="), "--field: expected FIELD=COLUMN"),
        (("--zone", "Mars/Base"), "zone: expected a time zone"),
        (("--language", "klingon!"), "language: expected a language tag"),
    ],
)
def test_an_option_that_cannot_be_used_says_what_was_expected(
    run: Run, table: Path, raw_redis: "redis.Redis", options: tuple[str, str], words: str
) -> None:
    result = run(table, *options)

    assert 2 == result.exit_code
    assert words in result.stderr
    assert set() == stored_keys(raw_redis)


# --- what is counted


def test_columns_and_where_fields_come_from_are_counted() -> None:
    report = report_of(
        [
            {"id": 1, "title": "A", "post_date_gmt": "0000-00-00", "post_date": "2025-03-13 08:00"},
            {"id": 2, "title": "B", "post_date_gmt": "2025-03-14 08:00", "post_status": "publish"},
            {"id": 3, "title": "C", "colour": "red", "size": "", "weight": None},
        ]
    )
    dates = next(field for field in report.fields if field.field == "published_at")

    assert (2, {"post_date": 1, "post_date_gmt": 1}) == (dates.filled, dates.sources)
    assert {"colour": 1} == report.unused
    assert 1 == report.dates_without_zone  # the other one is in UTC by its name


def test_a_date_in_utc_by_its_name_is_not_in_the_zone_of_the_site(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_text("ID,post_title,post_date_gmt\n1,Gates,2025-07-13 07:12:44\n")
    result = run(path, "--check", "--zone", "Europe/Kyiv")

    assert "published_at: 2025-07-13T07:12:44Z" in result.stdout


def test_what_is_there_twice_is_counted_once_for_each_repeat() -> None:
    text = "Oak gates at the Dunmere lock failed on Monday, and barges wait at both ends. " * 2
    report = report_of(
        [
            {"id": "a", "title": "A", "body": text, "url": "https://n.example/a"},
            {"id": "b", "title": "B", "body": text, "url": "https://n.example/b"},
            {"id": "c", "title": "C", "body": "short", "url": "http://www.n.example/a/"},
            {"id": "d", "title": "D", "body": "short"},
            {"id": "a", "title": "A", "body": text, "url": "https://n.example/a"},
        ]
    )

    assert (1, "a") == (report.same_id.count, report.same_id.first_id)
    assert (1, "c") == (report.same_address.count, report.same_address.first_id)
    assert (1, "b") == (report.same_text.count, report.same_text.first_id)


def test_the_share_of_boilerplate_is_that_of_its_terms() -> None:
    stories = [
        {
            "id": n,
            "title": f"T{n}",
            "language": "en",
            "body": f"{' '.join(f'w{n}x{m}' for m in range(40))}\n{SHARED_LINE}",
        }
        for n in range(5)
    ]
    own = 40 + 39
    shared = report_of([{"id": 1, "title": "T", "body": SHARED_LINE}])

    assert 0 == shared.boilerplate_share
    assert 0 < report_of(stories).boilerplate_share < 15 / own


def test_a_report_of_hostile_records_stays_small() -> None:
    records = [
        {
            "id": f"i{n}" * 50,
            "title": "T",
            **{f"column {n} {m} " + "x" * 300: "y" for m in range(30)},
        }
        for n in range(100)
    ]

    assert len(report_of(records).model_dump_json()) < 100_000


# --- on the desk


def test_the_overview_of_the_desk_shows_what_was_in_the_last_import(
    run: Run, table: Path, desk: DeskVisit
) -> None:
    run(table, *CHOSEN, "--zone", "Europe/Kyiv")
    page = desk.get("/overview").text

    assert "Fields of 2 articles" in page
    assert "Headline" in page and "Rubrik" in page
    assert "Columns that are not used: <bdi>Ressort</bdi> (2)" in page
    assert "2 have no zone, and are read as Europe/Kyiv" in page


def test_the_figures_of_an_import_hold_no_text_of_its_articles(
    run: Run, table: Path, raw_redis: "redis.Redis"
) -> None:
    run(table, *CHOSEN)
    [kept] = raw_redis.lrange("see:{main}:imports", 0, -1)

    assert b"Rubrik" in kept
    assert b"Dunmere" not in kept and b"Barges" not in kept


# --- files that end in the middle


def cut_files() -> dict[str, tuple[bytes, set[str]]]:
    """By name: a file that ends in the middle, and the ids that are in before its end."""
    one, two, three = (hostile.line(name, body="Half a text. " * 9) for name in "123")
    rows = b'id,title,body\n1,One,x\n2,Two,x\n3,Three,"Half a te'
    posts = hostile.wxr(*(hostile.post(name, "Half a text. " * 9) for name in "123"))
    feed = hostile.rss(*(hostile.item(name, "Half a text. " * 9) for name in "123")).encode()
    urls = hostile.sitemap(*(hostile.url(name) for name in "123"))
    packed = gzip.compress(b"\n".join([one, two, os.urandom(3000).hex().encode(), three]))
    return {
        "lines.jsonl": (b"\n".join([one, two, three])[:-50], {"1", "2"}),
        "array.json": (b"[" + b",".join([one, two, three])[:-50], {"1", "2"}),
        "table.csv": (rows, {"1", "2"}),
        "wxr.xml": (posts[:-220], {"1", "2"}),
        "feed.xml": (feed[:-120], {"1", "2"}),
        "sitemap.xml": (urls[:-60], {f"https://n.example/{name}" for name in "12"}),
        "lines.jsonl.gz": (packed[:-600], {"1", "2"}),
    }


@pytest.mark.parametrize("name", cut_files())
def test_a_file_that_ends_in_the_middle_says_what_is_in_and_stores_nothing_by_halves(
    run: Run, backend: Backend, tmp_path: Path, name: str
) -> None:
    content, ids = cut_files()[name]
    path = tmp_path / name
    path.write_bytes(content)
    result = run(path)
    stored = {article_id for article_id in (*ids, "3", "https://n.example/3")
              if backend.store.article("main", article_id) is not None}  # fmt: skip

    assert ids == stored
    says_where = re.search(rf"{re.escape(name)}(?::[34]: |: .*(?:after \w+ 2|record 3|number 2))",
                           result.output)  # fmt: skip
    assert says_where, result.output
    assert "2 added" in result.output
