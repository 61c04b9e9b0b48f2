"""Dates on pages: one format, in UTC, with the ISO form as an attribute."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from desk_visit import DeskVisit
from flask.testing import FlaskClient
from news import STORIES, article

import api
from api.http.dates import day, moment
from recommender.backend import Backend

NOW = datetime(2025, 3, 13, 7, 2, 44, tzinfo=UTC)
TEMPLATES = Path(api.__file__).parent / "templates" / "editor"


@pytest.mark.parametrize(
    ("when", "of_day", "of_moment"),
    [
        (NOW, "13 March 2025", "13 March 2025, 07:02 UTC"),
        ("2025-03-13T07:02:44Z", "13 March 2025", "13 March 2025, 07:02 UTC"),
        (date(2025, 3, 1), "1 March 2025", "1 March 2025, 00:00 UTC"),
        ("2025-03-01", "1 March 2025", "1 March 2025, 00:00 UTC"),
        (
            NOW.astimezone(timezone(timedelta(hours=-9))),
            "13 March 2025",
            "13 March 2025, 07:02 UTC",
        ),
        (None, "no date", "no date"),
    ],
)
def test_dates_are_in_utc(when: str | date | None, of_day: str, of_moment: str) -> None:
    assert (of_day, of_moment) == (day(when).striptags(), moment(when).striptags())


def test_dates_have_an_iso_attribute() -> None:
    assert f'<time datetime="{NOW.isoformat()}">13 March 2025</time>' == day(NOW)


def test_all_pages_of_the_desk_use_the_date_filters(
    client: FlaskClient, backend: Backend, put: Callable[..., None], key: dict[str, str]
) -> None:
    put(*map(article, STORIES))
    visit = DeskVisit(client, backend)
    visit.sign_in()
    rule = {"kind": "block", "target": {"article": "budget"}, "expires_at": "7d"}
    client.post("/v1/main/rules", json=rule, headers=key)
    client.post("/v1/main/articles", data=b"broken", headers=key)
    paths = ["/", "/article?id=kursk", "/article?id=budget", "/changes", "/overview"]
    paths.append("/pair?id=kursk&target=sudzha")
    pages = [client.get(f"/editor/main{path}").text for path in paths]
    texts = [re.sub("<[^>]*>", "", page) for page in pages]
    times = [re.findall("<time[^>]*>([^<]*)</time>", page) for page in pages]

    assert all(times)
    assert [] == [one for page in texts for one in re.findall(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", page)]
    one_spelling = r"[1-9][0-9]? [A-Z][a-z]+ [0-9]{4}(, [0-9]{2}:[0-9]{2} UTC)?"
    assert [] == [t for elements in times for t in elements if not re.fullmatch(one_spelling, t)]
    assert not any("strftime" in file.read_text() for file in TEMPLATES.iterdir())
