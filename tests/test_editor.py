"""Access to the editor's desk: keys, sessions, tokens, origins and roles."""

from collections.abc import Callable

import pytest
import redis
from desk_visit import ORIGIN, DeskVisit, fields_of
from flask import Flask
from flask.testing import FlaskClient
from news import article

from recommender.backend import Backend

OPEN = {
    *(("GET", f"editor.sign_in.{page}") for page in ("front", "without_slash", "unknown")),
    ("POST", "editor.sign_in.sign_in"),
}


def protected_routes(app: Flask) -> list[tuple[str, str]]:
    """Method and path of every route of the desk but the sign-in form."""
    adapter = app.url_map.bind("localhost")
    return sorted(
        (method, adapter.build(rule.endpoint, {"site": "main"}, method))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.startswith("editor.") and (method, rule.endpoint) not in OPEN
    )


@pytest.fixture
def visit(client: FlaskClient, backend: Backend) -> DeskVisit:
    return DeskVisit(client, backend)


@pytest.fixture
def signed_in(visit: DeskVisit, put: Callable[..., None]) -> DeskVisit:
    put(article("kursk"), article("sudzha"), article("budget"))
    visit.sign_in()
    return visit


def test_every_page_asks_for_a_key_before_the_sign_in(
    app: Flask, client: FlaskClient, raw_redis: "redis.Redis"
) -> None:
    form = {"csrf": "made up"}
    answers = [
        client.open(path, method=method, data=form if method == "POST" else None, headers=ORIGIN)
        for method, path in protected_routes(app)
    ]

    forms = [answer for answer in answers if answer.status_code != 303]  # signing out

    assert {401} == {answer.status_code for answer in forms}
    assert len(answers) - 1 == len(forms)
    assert all('name="key"' in page.text or "not signed in" in page.text for page in forms)
    assert {b"see:{main}:format", b"see:{other}:format"} >= {*raw_redis.keys()}


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost.evil"},
    ],
)
def test_a_form_from_another_origin_is_refused_even_with_the_token(
    app: Flask, signed_in: DeskVisit, origin: dict[str, str]
) -> None:
    fields = {"csrf": signed_in.token()}
    paths = ["/editor/", *(path for method, path in protected_routes(app) if method == "POST")]
    answers = [signed_in.client.post(path, data=fields, headers=origin) for path in paths]

    assert {403} == {answer.status_code for answer in answers}


@pytest.mark.parametrize("token", [{}, {"csrf": ""}, {"csrf": "made up"}, {"csrf": "ünïcode"}])
def test_a_form_without_the_sessions_token_is_refused(
    app: Flask, signed_in: DeskVisit, token: dict[str, str]
) -> None:
    paths = ["/editor/", *(path for method, path in protected_routes(app) if method == "POST")]
    answers = [signed_in.client.post(path, data=token, headers=ORIGIN) for path in paths]

    assert {403} == {answer.status_code for answer in answers}


def test_sign_in_continues_with_the_requested_page(visit: DeskVisit) -> None:
    page = visit.client.get("/editor/main/changes?id=kursk")
    answer = visit.sign_in(fields_of(page.text)["target"])

    assert (303, "/editor/main/changes?id=kursk") == (answer.status_code, answer.location)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/editor/other/",
        "javascript:0",
    ],
)
def test_sign_in_never_redirects_away_from_the_desk(visit: DeskVisit, target: str) -> None:
    assert "/editor/main/" == visit.sign_in(target).location


def test_the_cookie_is_limited_to_the_desk_and_hidden_from_scripts(visit: DeskVisit) -> None:
    cookies = visit.sign_in().headers.getlist("Set-Cookie")
    [cookie] = [one for one in cookies if one.startswith("alsosee_editor_main=")]

    assert all(p in cookie for p in ("HttpOnly", "SameSite=Lax", "Path=/editor;"))
    assert "Secure" not in cookie


def test_behind_https_the_cookie_is_secure(visit: DeskVisit) -> None:
    token = fields_of(visit.client.get("/editor/").text)["csrf"]
    headers = {**ORIGIN, "X-Forwarded-Proto": "https"}
    answer = visit.client.post("/editor/", data={"key": visit.key, "csrf": token}, headers=headers)

    assert all("Secure" in cookie for cookie in answer.headers.getlist("Set-Cookie"))


def test_only_a_hash_of_the_cookie_is_stored(
    signed_in: DeskVisit, raw_redis: "redis.Redis"
) -> None:
    cookie = signed_in.client.get_cookie("alsosee_editor_main", path="/editor")
    assert cookie is not None
    [key] = raw_redis.keys("see:session:*")

    assert cookie.value not in key.decode() + str(raw_redis.get(key))
    assert 0 < raw_redis.ttl(key) <= 12 * 3600


@pytest.mark.parametrize("scope", ["ingest", "read"])
def test_a_key_without_an_editors_role_is_refused(
    client: FlaskClient, backend: Backend, scope: str
) -> None:
    assert 401 == DeskVisit(client, backend, scope).sign_in().status_code


def test_a_key_opens_only_the_desk_of_its_site(signed_in: DeskVisit) -> None:
    cookie = signed_in.client.get_cookie("alsosee_editor_main", path="/editor")
    assert cookie is not None
    signed_in.client.set_cookie("alsosee_editor_other", cookie.value, path="/editor")

    assert 401 == signed_in.client.get("/editor/other/").status_code
    assert 404 == signed_in.client.get("/editor/unknown/").status_code


def test_a_revoked_key_ends_its_sessions_at_once(signed_in: DeskVisit, backend: Backend) -> None:
    assert 200 == signed_in.get("/").status_code
    backend.keys.revoke(signed_in.key.split("_")[1])

    assert 401 == signed_in.get("/").status_code


def test_sign_out_ends_the_session_for_every_holder_of_the_cookie(signed_in: DeskVisit) -> None:
    cookie = signed_in.client.get_cookie("alsosee_editor_main", path="/editor")
    assert cookie is not None
    signed_in.post("/sign-out")
    signed_in.client.set_cookie("alsosee_editor_main", cookie.value, path="/editor")

    assert 401 == signed_in.get("/").status_code


def test_a_second_sign_in_ends_the_first_session(signed_in: DeskVisit) -> None:
    first = signed_in.client.get_cookie("alsosee_editor_main", path="/editor")
    assert first is not None
    signed_in.sign_in()
    second = signed_in.client.get_cookie("alsosee_editor_main", path="/editor")
    assert second is not None and second.value != first.value
    assert 200 == signed_in.get("/").status_code
    signed_in.client.set_cookie("alsosee_editor_main", first.value, path="/editor")

    assert 401 == signed_in.get("/").status_code


def test_a_sign_in_to_another_site_ends_no_session(signed_in: DeskVisit, backend: Backend) -> None:
    signed_in.key = backend.keys.create("other", ["edit"])
    signed_in.sign_in()

    assert 200 == signed_in.client.get("/editor/main/").status_code
    assert 200 == signed_in.client.get("/editor/other/").status_code


def test_a_failed_sign_in_ends_no_session(signed_in: DeskVisit) -> None:
    signed_in.key = "as_00000000_wrong"

    assert 401 == signed_in.sign_in().status_code
    assert 200 == signed_in.get("/").status_code


def test_no_redirect_names_a_host(app: Flask, client: FlaskClient) -> None:
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.rule.endswith("/")]
    paths = ["/editor/%5Cevil.example", "/editor/main?a=//b.example/"]
    paths += [rule.replace("<site>", "main").rstrip("/") for rule in rules if rule != "/"]
    answers = [client.get(path, headers={"Host": "evil.example"}) for path in paths]

    assert {303, 308} == {answer.status_code for answer in answers}
    assert all(answer.location.startswith("/editor/") for answer in answers)
    assert not any("evil" in answer.text for answer in answers)
    assert "/editor/main/?a=//b.example/" == answers[1].location


def test_failed_attempts_are_limited_and_do_not_lock_others_out(visit: DeskVisit) -> None:
    token = fields_of(visit.client.get("/editor/").text)["csrf"]
    fields = {"key": "as_00000000_wrong", "csrf": token}
    statuses = [
        visit.client.post("/editor/", data=fields, headers=ORIGIN).status_code for _ in range(25)
    ]

    assert (401, 429) == (statuses[0], statuses[-1])
    assert 303 == visit.sign_in().status_code


def test_an_unknown_page_is_an_error_page(client: FlaskClient) -> None:
    answers = [client.get(path) for path in ("/editor/main/nope", "/editor/main/overrule")]

    assert {404} == {answer.status_code for answer in answers}
    assert all("no such page" in answer.text for answer in answers)
    assert "/editor/" == client.get("/editor").location


def test_the_short_address_redirects_to_the_last_desk(signed_in: DeskVisit) -> None:
    leads = signed_in.client.get("/editor/").location
    signed_in.post("/sign-out")

    assert "/editor/main/" == leads
    assert 200 == signed_in.client.get("/editor/").status_code


def test_an_empty_archive_has_a_desk(visit: DeskVisit) -> None:
    visit.sign_in()

    assert (200, 200) == (visit.get("/").status_code, visit.get("/find.json").status_code)


@pytest.mark.parametrize("wrong", ["another site's key", "no cookie"])
def test_a_form_survives_a_failed_sign_in(visit: DeskVisit, backend: Backend, wrong: str) -> None:
    kept = {"action": "/editor/main/draft", "kept.body": "precious"}
    if wrong == "no cookie":
        sent = {"key": visit.key, "csrf": "x", **kept}
        answer = visit.client.post("/editor/", data=sent, headers=ORIGIN)
    else:
        visit.key = backend.keys.create("other", ["edit"])
        answer = visit.sign_in(**kept)

    assert answer.status_code in (401, 403)
    assert "precious" == fields_of(answer.text)["kept.body"]


def test_a_form_survives_the_end_of_the_session(
    signed_in: DeskVisit, raw_redis: "redis.Redis"
) -> None:
    token = signed_in.token()
    raw_redis.delete(*raw_redis.keys("see:session:*"))
    note = "A note that took <b>long</b> to write"
    form = {"id": "kursk", "target": "budget", "kind": "block", "note": note, "csrf": token}
    refused = signed_in.client.post("/editor/main/overrule", data=form, headers=ORIGIN)
    kept = fields_of(refused.text)
    again = signed_in.client.post("/editor/", data={**kept, "key": signed_in.key}, headers=ORIGIN)

    assert (401, 200) == (refused.status_code, again.status_code)
    assert (note, "budget") == (fields_of(again.text)["note"], fields_of(again.text)["target"])
    assert "<b>long" not in refused.text + again.text


def test_the_role_look_cannot_change_anything(
    client: FlaskClient, backend: Backend, put: Callable[..., None]
) -> None:
    put(article("kursk"), article("sudzha"))
    looker = DeskVisit(client, backend, "look")
    looker.sign_in()
    page = looker.get("/article", id="kursk").text
    answer = looker.post("/overrule", id="kursk", target="sudzha", kind="block")

    assert 'name="kind"' not in page
    assert (403, {}) == (answer.status_code, backend.store.rulebook.read("main").rules)


def test_pages_are_not_cached_framed_or_leaked_by_referrer(signed_in: DeskVisit) -> None:
    headers = signed_in.get("/").headers

    assert "no-store" == headers["Cache-Control"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "same-origin" == headers["Referrer-Policy"]


def test_hostile_titles_are_inert_on_every_page(
    signed_in: DeskVisit, put: Callable[..., None], backend: Backend
) -> None:
    title = '"><script>alert(1)</script>{{ 7*7 }}'
    put(article("evil\"'<x>", title="x") | {"title": title, "section": "<i>S</i>"})
    signed_in.post(
        "/overrule", id="kursk", target="evil\"'<x>", kind="pin", position="1", note="<u>"
    )
    pages = [
        signed_in.get("/"),
        signed_in.get("/find.json"),
        signed_in.get("/article", id="kursk"),
        signed_in.get("/article", id="evil\"'<x>"),
        signed_in.get("/frame", id="evil\"'<x>"),
        signed_in.get("/changes"),
    ]

    assert {200} == {page.status_code for page in pages}
    assert not any(
        b in page.text
        for page in pages
        for b in ("<script>alert", "<i>S", "<u>", "'<x>")
        if page.is_json is False
    )
