"""The page of an article at the editor's desk: its list, its rules, and undo."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from desk_visit import ORIGIN, DeskVisit, fields_of
from flask.testing import FlaskClient
from news import article

from recommender.backend import Backend

ARCHIVE = ("kursk", "sudzha", "ceasefire", "budget", "final")
CANDIDATE = re.compile(r'<li class="candidate" data-id="([^"]*)"')


@pytest.fixture
def visit(client: FlaskClient, backend: Backend, put: Callable[..., None]) -> DeskVisit:
    put(*map(article, ARCHIVE))
    visit = DeskVisit(client, backend)
    visit.sign_in()
    return visit


def readers_list(visit: DeskVisit) -> list[str]:
    path = "/v1/main/articles/kursk/related?limit=20"
    return [item["id"] for item in visit.client.get(path).json["items"]]


def candidates(visit: DeskVisit) -> list[str]:
    return [unescape(i) for i in CANDIDATE.findall(visit.get("/article", id="kursk").text)]


def revision(visit: DeskVisit, article_id: str = "kursk") -> str:
    return fields_of(visit.get("/article", id=article_id).text)["revision"]


def submit(visit: DeskVisit, **fields: str) -> str:
    """Send the form of a candidate, and return the page that follows."""
    form = {"id": "kursk", "revision": revision(visit), **fields}
    answer = visit.post("/overrule", **form)
    assert 303 == answer.status_code, answer.text
    return visit.client.get(answer.location).text


def test_the_candidates_are_in_the_order_of_the_readers_list(visit: DeskVisit) -> None:
    assert candidates(visit) == readers_list(visit)


def test_every_candidate_says_why_it_is_there(visit: DeskVisit) -> None:
    page = visit.get("/article", id="kursk").text

    assert "Both about" in page
    assert "shared words" in page


def test_excluded_articles_are_shown_with_the_reason(visit: DeskVisit) -> None:
    page = submit(visit, target="sudzha", kind="block")

    assert "The editors blocked it next to this article." in page.partition("Not in the list")[2]


def test_a_pin_is_in_the_readers_next_list_despite_the_cache(visit: DeskVisit) -> None:
    before = readers_list(visit)
    submit(visit, target=before[-1], kind="pin", position="1")

    assert before[-1] == readers_list(visit)[0] == candidates(visit)[0]


def test_the_page_after_a_change_shows_what_moved(visit: DeskVisit) -> None:
    last = readers_list(visit)[-1]
    page = submit(visit, target=last, kind="pin", position="1")

    assert "Pinned." in page
    assert f"up {len(ARCHIVE) - 2}" in page
    assert "down 1" in page
    assert "Pinned." not in visit.get("/article", id="kursk").text


def test_undo_restores_the_list(visit: DeskVisit) -> None:
    before = readers_list(visit)
    page = submit(visit, target=before[-1], kind="pin", position="1")
    visit.post("/undo", id="kursk", entry=fields_of(page)["entry"])

    assert before == readers_list(visit)
    assert "undo" in visit.get("/changes").text


@pytest.mark.parametrize(("role", "status", "length"), [("edit", 403, 1), ("admin", 303, 4)])
def test_changes_of_settings_are_listed_and_only_admins_undo_them(
    client: FlaskClient, backend: Backend, visit: DeskVisit, role: str, status: int, length: int
) -> None:
    stored = {"site": {"limit": 1, "section": []}, "surfaces": {"home": {"weights": {"time": 0}}}}
    admin = {"Authorization": f"Bearer {backend.keys.create('main', ['admin'])}"}
    client.put("/v1/main/settings", json=stored, headers=admin)
    seated = DeskVisit(client, backend, role)
    seated.sign_in()
    page = unescape(seated.get("/changes").text)
    [entry] = [e.id for e in backend.store.rulebook.audit.page("main", 9)[0]]
    answer = seated.post("/undo", entry=entry)

    assert "the site, limit: 1 (was not set)" in page
    assert "the site, section: any (was not set)" in page
    assert "surface home, weight of time: 0.0 (was not set)" in page
    assert (status, role == "admin") == (answer.status_code, f'value="{entry}"' in page)
    assert length == len(client.get("/v1/main/articles/kursk/related").json["items"])


def test_an_undo_can_be_undone(visit: DeskVisit) -> None:
    submit(visit, target="budget", kind="block")
    first = fields_of(visit.get("/changes").text)["entry"]
    visit.post("/undo", entry=first)
    page = visit.get("/changes").text
    visit.post("/undo", entry=re.findall(r'name="entry" value="([^"]*)"', page)[0])

    assert "budget" not in readers_list(visit)


def test_an_undone_change_names_the_editor_and_has_no_button(
    visit: DeskVisit,
) -> None:
    submit(visit, target="budget", kind="block")
    offered = []
    for _ in range(3):
        page = visit.get("/changes").text
        offered.append(re.findall(r'name="entry" value="([^"]*)"', page))
        visit.post("/undo", entry=offered[-1][0])
    notices = [page.count("Undone by Ana") for page in (page, visit.get("/changes").text)]
    [block], [undo, *_], [back, again, *_] = offered

    assert [[block], [undo], [back, block]] == [offered[0], offered[1], [back, again]]
    assert [1, 2] == notices


def test_several_articles_are_put_in_order_by_one_change(
    visit: DeskVisit, backend: Backend
) -> None:
    expected = readers_list(visit)[::-1]
    places = {f"place.{place}": i for place, i in enumerate(expected, 1)}
    visit.post("/order", id="kursk", revision=revision(visit), **places)
    entries, _ = backend.store.rulebook.audit.page("main", 10)

    assert (expected, 1) == (readers_list(visit), len(entries))


@pytest.mark.parametrize(
    "written", ["https://news.example/budget", " HTTPS://www.news.example/budget/?utm_source=x "]
)
def test_an_article_may_be_named_by_its_address(visit: DeskVisit, written: str) -> None:
    page = visit.get("/article", id=written).text
    submit(visit, target=written, kind="pin", position="1")

    assert fields_of(page)["id"] == "budget"
    assert readers_list(visit)[0] == "budget"


def test_an_address_that_no_article_has_is_refused_in_words(visit: DeskVisit) -> None:
    form = {"id": "kursk", "revision": revision(visit), "kind": "pin", "position": "1"}
    answers = [visit.post("/overrule", **form, target=f"https://{host}/x") for host in ("a", "[")]

    assert [404, 404] == [answer.status_code for answer in answers]
    assert all("no article with the id or address" in one.text for one in answers)


def test_an_address_that_is_an_id_is_that_article(
    visit: DeskVisit, put: Callable[..., None]
) -> None:
    address = "https://news.example/budget"
    put(article("final") | {"id": address, "url": "https://news.example/cup"})
    page = visit.get("/article", id=address).text

    assert fields_of(page)["id"] == address


@pytest.mark.parametrize(("kind", "target"), [("boost", "ceasefire"), ("bury", "sudzha")])
def test_a_boosted_article_rises_and_a_buried_one_falls(
    visit: DeskVisit, kind: str, target: str
) -> None:
    assert ["sudzha", "ceasefire"] == readers_list(visit)[:2]
    for scope in ("here", "everywhere"):  # factors that meet are multiplied
        submit(visit, target=target, kind=kind, scope=scope)

    assert ["ceasefire", "sudzha"] == readers_list(visit)[:2]


def test_a_flag_empties_the_list_at_once(visit: DeskVisit) -> None:
    page = submit(visit, kind="flag", flag="sensitive", note="the family asked")

    assert [] == readers_list(visit)
    assert "because of a flag" in page
    assert "the family asked" in page


def test_an_article_blocked_everywhere_is_in_no_list(visit: DeskVisit) -> None:
    submit(visit, target="sudzha", kind="block", scope="everywhere")
    other = visit.client.get("/v1/main/articles/ceasefire/related?limit=20").json["items"]

    assert "sudzha" not in readers_list(visit)
    assert "sudzha" not in [item["id"] for item in other]


def test_a_rule_is_shown_with_note_end_and_author(visit: DeskVisit, backend: Backend) -> None:
    page = submit(visit, target="budget", kind="block", note="off topic", expires_at="7d")
    [rule] = backend.store.rulebook.read("main").rules.values()

    assert rule.expires_at is not None
    assert ("Ana", "off topic", 7) == (
        rule.author,
        rule.note,
        (rule.expires_at - rule.created_at).days,
    )
    assert "off topic" in page


def test_a_rule_is_removed_by_its_button(visit: DeskVisit) -> None:
    before = readers_list(visit)
    page = submit(visit, target="budget", kind="block")
    fields = fields_of(page)
    visit.post("/withdraw", id="kursk", rule=fields["rule"], revision=fields["revision"])

    assert before == readers_list(visit)


def test_a_newer_rule_of_a_colleague_is_not_removed_unseen(visit: DeskVisit) -> None:
    last = readers_list(visit)[-1]
    shown = fields_of(submit(visit, target=last, kind="pin", position="2"))
    submit(visit, target=last, kind="pin", position="1")
    form = {"id": "kursk", "rule": shown["rule"], "revision": shown["revision"]}

    assert 412 == visit.post("/withdraw", **form).status_code
    assert last == readers_list(visit)[0]


def test_a_rule_for_all_lists_is_not_replaced_unseen(visit: DeskVisit, backend: Backend) -> None:
    submit(visit, target="budget", kind="block", scope="everywhere", note="legal asked")
    form = {"id": "kursk", "target": "budget", "kind": "block", "scope": "everywhere"}
    answer = visit.post("/overrule", **form, expires_at="24h", revision="x")
    notes = [rule.note for rule in backend.store.rulebook.read("main").rules.values()]
    saved = visit.post("/overrule", **fields_of(answer.text))

    assert (412, ["legal asked"], 303) == (answer.status_code, notes, saved.status_code)


def test_a_note_waits_for_its_own_page(visit: DeskVisit) -> None:
    form = {"id": "kursk", "target": "budget", "kind": "block", "revision": revision(visit)}
    visit.post("/overrule", **form)

    assert "Blocked." not in visit.get("/article", id="final").text
    assert "Blocked." in visit.get("/article", id="kursk").text


def test_a_pin_of_an_unpublished_article_warns(visit: DeskVisit, put: Callable[..., None]) -> None:
    put(article("planned", published_at="2099-01-01T00:00:00Z"))

    assert "not in the list yet" in submit(visit, target="planned", kind="pin", position="1")
    assert "not published yet" in str(visit.get("/find.json").json["items"][0]["marks"])


def test_a_number_of_any_length_is_refused_as_too_large(visit: DeskVisit) -> None:
    form = {"id": "kursk", "revision": revision(visit)}
    place = {"kind": "pin", "target": "budget", "position": "9" * 5000}

    assert 400 == visit.post("/overrule", **form, **place).status_code
    assert 303 == visit.post("/order", **form, **{"place." + "9" * 5000: "budget"}).status_code


def test_the_second_of_two_editors_is_warned_and_loses_nothing(
    visit: DeskVisit, app, backend: Backend
) -> None:  # type: ignore[no-untyped-def]
    known = revision(visit)
    second = DeskVisit(app.test_client(), backend, name="Bela")
    second.sign_in()
    submit(visit, target="budget", kind="block")
    form = {"id": "kursk", "target": "final", "kind": "block", "note": "mine", "revision": known}
    answer = second.post("/overrule", **form)
    offered = fields_of(answer.text)
    saved = second.post("/overrule", **offered)

    assert (412, 303) == (answer.status_code, saved.status_code)
    assert "Ana" in answer.text
    assert "mine" == offered["note"]
    assert not {"budget", "final"} & set(readers_list(visit))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"kind": "pin", "target": "budget", "position": "0"}, "position"),
        ({"kind": "pin", "target": "budget", "position": "three"}, "position"),
        ({"kind": "pin", "target": "kursk", "position": "1"}, "target"),
        ({"kind": "love", "target": "budget"}, "kind"),
        ({"kind": "flag", "flag": "green"}, "flag"),
        ({"kind": "block", "target": "budget", "expires_at": "soon"}, "expires at"),
        ({"kind": "block", "target": "budget", "note": "x" * 1001}, "note"),
    ],
)
def test_a_bad_field_is_named_and_the_form_is_kept(
    visit: DeskVisit, fields: dict[str, str], named: str
) -> None:
    form = {"note": "a reason", **fields, "id": "kursk", "revision": revision(visit)}
    answer = visit.post("/overrule", **form)

    assert 400 == answer.status_code
    assert f"<li>{named}" in answer.text
    assert form["note"] in answer.text


def test_a_missing_article_cannot_be_pinned(visit: DeskVisit) -> None:
    form = {"id": "kursk", "target": "nowhere", "kind": "pin", "position": "1"}

    assert 404 == visit.post("/overrule", **form, revision=revision(visit)).status_code


def test_the_page_of_a_deleted_article_says_so(visit: DeskVisit, backend: Backend) -> None:
    backend.store.delete("main", "kursk")
    answer = visit.get("/article", id="kursk")

    assert 404 == answer.status_code
    assert "All articles" in answer.text


def test_the_frame_has_the_box_of_the_site_and_counts_nothing(visit: DeskVisit) -> None:
    answer = visit.get("/frame", id="kursk", layout="grid", mode="background")

    assert '<script async src="/widget.js">' in answer.text
    assert 'layout="grid" events="off" mode="background"' in answer.text
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]


def test_changes_can_be_limited_to_one_article(visit: DeskVisit) -> None:
    submit(visit, target="budget", kind="block")
    visit.post(
        "/overrule", id="final", kind="flag", flag="legal", revision=revision(visit, "final")
    )

    assert 1 == visit.get("/changes", id="kursk").text.count("Undo<")
    assert 2 == visit.get("/changes").text.count("Undo<")


def test_articles_with_rules_are_found_by_them(visit: DeskVisit) -> None:
    submit(visit, target="budget", kind="pin", position="2")
    items = visit.get("/find.json", mark="pinned").json["items"]

    assert {"kursk", "budget"} == {item["id"] for item in items}
    assert ["pin"] == next(item["marks"] for item in items if item["id"] == "kursk")


def test_a_form_without_an_origin_is_refused(visit: DeskVisit) -> None:
    form = {"id": "kursk", "target": "budget", "kind": "block", "csrf": visit.token()}
    path = "/editor/main/overrule"

    assert 403 == visit.client.post(path, data=form).status_code
    assert (
        303
        == visit.client.post(
            path, data={**form, "revision": revision(visit)}, headers=ORIGIN
        ).status_code
    )
