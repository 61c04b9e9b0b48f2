"""The desk's page of sessions: who sees and ends which."""

import re
from collections.abc import Callable

import pytest
import redis
from desk_visit import ORIGIN, DeskVisit
from flask import Flask

from recommender.backend import Backend

Visitor = Callable[..., DeskVisit]


@pytest.fixture
def visitor(app: Flask, backend: Backend) -> Visitor:
    """Signs somebody in, in a browser of their own."""

    def sign_in(name: str, role: str = "edit", key: str = "", site: str = "main") -> DeskVisit:
        visit = DeskVisit(app.test_client(), backend, role, name)
        visit.key = key or backend.keys.create(site, [role], "a key")
        visit.sign_in()
        return visit

    return sign_in


def listed(visit: DeskVisit) -> dict[str, str]:
    """The name of each session on the page, by id."""
    page = visit.get("/sessions").text
    names = re.findall(r"<p><strong>(.*?)</strong>", page)
    ids = re.findall(r'name="session" value="(\w+)"', page)
    return dict(zip(ids, names, strict=True))


def is_signed_in(visit: DeskVisit) -> bool:
    return visit.get("/").status_code == 200


def own_id(visit: DeskVisit) -> str:
    [session_id] = listed(visit)
    return session_id


def test_an_editor_sees_the_sessions_with_the_same_key_and_name_only(visitor: Visitor) -> None:
    ana = visitor("Ana")
    again = visitor("Ana", key=ana.key)
    visitor("Ana")  # the same name with another key
    visitor("Ben", key=ana.key)

    assert ["Ana", "Ana"] == [*listed(ana).values()]
    assert listed(ana) == listed(again)


def test_an_admin_sees_everyone_on_the_site_and_no_one_of_another(visitor: Visitor) -> None:
    visitor("Ana")
    visitor("Ben", "look")
    visitor("Eve", site="other")

    assert {"Ana", "Ben", "Root"} == {*listed(visitor("Root", "admin")).values()}


def test_a_session_that_an_admin_ends_is_refused_at_once(visitor: Visitor) -> None:
    ana = visitor("Ana")
    root = visitor("Root", "admin")
    answer = root.post("/sessions/end", session=own_id(ana))

    assert "/editor/main/sessions" == answer.location
    assert "Ended." in root.get("/sessions").text
    assert not is_signed_in(ana)
    assert is_signed_in(root)


@pytest.mark.parametrize("role", ["look", "edit"])
def test_no_editor_ends_the_session_of_someone_else(visitor: Visitor, role: str) -> None:
    ana = visitor("Ana")
    ben = visitor("Ben", role)
    ben.post("/sessions/end", session=own_id(ana))

    assert "has ended already" in ben.get("/sessions").text
    assert is_signed_in(ana)


def test_no_admin_ends_a_session_of_another_site(visitor: Visitor, backend: Backend) -> None:
    eve = visitor("Eve", site="other")
    [other] = backend.sessions.all()
    visitor("Root", "admin").post("/sessions/end", session=other.id)

    assert 200 == eve.client.get("/editor/other/").status_code


def test_an_editor_ends_the_session_in_another_browser(visitor: Visitor) -> None:
    ana = visitor("Ana")
    forgotten = own_id(ana)
    home = visitor("Ana", key=ana.key)
    home.post("/sessions/end", session=forgotten)

    assert not is_signed_in(ana)
    assert is_signed_in(home)


def test_signing_out_everywhere_ends_all_own_sessions_and_no_others(visitor: Visitor) -> None:
    root = visitor("Root", "admin")
    again = visitor("Root", "admin", key=root.key)
    ana = visitor("Ana")
    answer = root.post("/sessions/end-own")

    assert "/editor/" == answer.location
    assert [False, False, True] == [is_signed_in(one) for one in (root, again, ana)]


def test_ending_the_session_of_this_browser_deletes_its_cookie(visitor: Visitor) -> None:
    ana = visitor("Ana")
    answer = ana.post("/sessions/end", session=own_id(ana))

    assert "/editor/" == answer.location
    assert ana.client.get_cookie("alsosee_editor_main", path="/editor") is None


@pytest.mark.parametrize("session", [None, "", "*", "0" * 64, "see:keys", "\x00", "x" * 10_000])
def test_an_unknown_session_is_reported_and_nothing_is_deleted(
    visitor: Visitor, raw_redis: "redis.Redis", session: str | None
) -> None:
    root = visitor("Root", "admin")
    keys = {*raw_redis.keys()}
    sent = {"csrf": root.token()} if session is None else {"csrf": root.token(), "session": session}
    root.client.post("/editor/main/sessions/end", data=sent, headers=ORIGIN)

    assert "has ended already" in root.get("/sessions").text
    assert keys == {*raw_redis.keys()}


def test_the_page_has_no_cookie_of_any_session(visitor: Visitor) -> None:
    ana = visitor("Ana")
    page = visitor("Root", "admin").get("/sessions").text
    cookie = ana.client.get_cookie("alsosee_editor_main", path="/editor")

    assert cookie is not None and cookie.value not in page


def test_sessions_of_a_revoked_key_are_not_listed(visitor: Visitor, backend: Backend) -> None:
    ana = visitor("Ana")
    backend.keys.revoke(ana.key.split("_")[1])

    assert ["Root"] == [*listed(visitor("Root", "admin")).values()]


def test_damaged_sessions_are_left_out(visitor: Visitor, raw_redis: "redis.Redis") -> None:
    root = visitor("Root", "admin")
    for number, record in enumerate((b"", b"{}", b"null", b"[1,2]", b"\xff", b'["a","b"]')):
        raw_redis.set(f"see:session:{number}", record)
    raw_redis.set(b"see:session:\xff", b"not JSON")

    assert ["Root"] == [*listed(root).values()]
