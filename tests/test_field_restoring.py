"""A CMS without versions can restore what it has deleted; late copies never do."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from news import article

from features.analysis import analyse
from recommender.backend import Backend

Put = Callable[..., None]

NUMBERS = count()  # of histories, each of an article of its own
ARTICLE = "/v1/main/articles/kursk"


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


@pytest.fixture
def answers(client: FlaskClient, key: dict[str, str]) -> Callable[..., list[int]]:
    """The status of each: a put of some fields, or a delete for None or a version."""

    def send(*requests: dict[str, Any] | None) -> list[int]:
        statuses = []
        for fields in requests:
            if fields is None:
                statuses.append(client.delete(ARTICLE, headers=key).status_code)
            else:
                sent = article() | fields
                statuses.append(client.put(ARTICLE, json=sent, headers=key).status_code)
        return statuses

    return send


@pytest.mark.parametrize("fields", [{}, {"title": "Another title"}])
def test_the_same_text_can_be_published_again_after_it_was_deleted(answers, fields):
    assert [201, 204, 201, 200] == answers({}, None, fields, fields)


def test_it_can_be_deleted_and_restored_again_and_again(answers):
    assert [201, 204, 201, 204, 201] == answers({}, None, {}, None, {})


def test_a_copy_that_was_updated_before_the_delete_comes_too_late(answers):
    assert [201, 204, 409] == answers(
        {"updated_at": ago(hours=2)}, None, {"updated_at": ago(hours=1)}
    )


def test_what_was_updated_after_the_delete_is_published(answers):
    assert [201, 204, 201] == answers(
        {"updated_at": ago(hours=2)}, None, {"updated_at": ago(hours=-1)}
    )


def test_a_restored_article_without_a_date_of_its_update_is_published(answers):
    assert [201, 204, 201] == answers({"updated_at": ago(hours=2)}, None, {})


def test_versions_decide_where_there_are_any(answers):
    requests = [{"version": 5}, None, {"version": 5}, {"version": 4}, {"version": 6}]

    assert [201, 204, 409, 409, 201] == answers(*requests)


def test_a_delete_with_a_version_is_decided_by_versions_alone(client, key):
    moment = datetime(2025, 3, 13, tzinfo=UTC)
    milliseconds = round(moment.timestamp() * 1000)
    sent = [moment - timedelta(hours=1), moment, moment + timedelta(hours=1)]
    client.delete(f"{ARTICLE}?version={milliseconds}", headers=key)
    statuses = [
        client.put(ARTICLE, json=article(updated_at=one.isoformat()), headers=key).status_code
        for one in sent
    ]

    assert [409, 409, 201] == statuses


writes = st.lists(
    st.tuples(st.sampled_from(["put", "delete"]), st.sampled_from([None, -3, -2, -1, 1, 2])),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes)
def test_by_dates_of_updates_a_delete_is_final_for_all_that_was_updated_before(
    backend: Backend, history
):
    """Whatever the order of arrival: hours before (negative) and after all deletes here."""
    name = f"race{next(NUMBERS)}"
    now = datetime.now(UTC)
    is_live = is_deleted = False
    revision: int | None = None  # hours
    for kind, hours in history:
        if kind == "delete":
            backend.store.delete("main", name)
            is_deleted = is_deleted or is_live
            is_live = False
            continue
        updated = None if hours is None else (now + timedelta(hours=hours)).isoformat()
        fields = {"updated_at": updated, "title": f"Updated at {hours}"}
        backend.store.put("main", [analyse(article(name, **fields))])
        is_older = hours is not None and revision is not None and hours < revision
        is_late = is_deleted and not is_live and hours is not None
        if is_older or (is_late and (hours < 0 or hours == revision)):
            assert is_live == (backend.store.article("main", name) is not None)
            continue
        is_live = True
        revision = revision if hours is None else hours
        assert backend.store.article("main", name)
