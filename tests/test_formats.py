"""Upgrades: archives that another version of the analyzer wrote."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask.testing import FlaskClient
from news import STORIES, article

from api.app import create_app
from features.vectorizer import FEATURES_VERSION
from recommender.backend import Backend
from recommender.build import upgrade
from recommender.config import Settings
from recommender.errors import ConfigurationError
from recommender.replica.follower import Follower
from recommender.storage import formats as formats_module
from recommender.storage.formats import Formats, UpgradeProgress

GOLDEN = Path(__file__).parent / "golden"
FORMAT = "see:{main}:format"
READABLE = (FEATURES_VERSION - 1, FEATURES_VERSION)


def as_version(raw_redis: "redis.Redis", version: int) -> None:
    """Turn the archive into one that another version has written."""
    for key in raw_redis.scan_iter("see:{main}:vector:*"):
        raw_redis.setrange(key, 4, version.to_bytes(2, "little"))
    raw_redis.hset(FORMAT, mapping={"oldest": version, "newest": version})


@pytest.fixture
def former(backend: Backend, put: object, raw_redis: "redis.Redis") -> None:
    """An archive of the version before."""
    put(*map(article, STORIES))  # type: ignore[operator]
    as_version(raw_redis, FEATURES_VERSION - 1)


@pytest.fixture
def upgraded(settings: Settings, former: None) -> Iterator[Backend]:
    """This version over that archive."""
    with Backend(settings) as backend:
        yield backend


def lists(client: FlaskClient) -> dict[str, list[str]]:
    answers = {i: client.get(f"/v1/main/articles/{i}/related?offset=0").json for i in STORIES}
    return {i: [item["id"] for item in answer["items"]] for i, answer in answers.items()}


def test_lists_of_the_former_version_are_served_as_they_were(
    client: FlaskClient, former: None, upgraded: Backend
) -> None:
    there = create_app(backend=upgraded).test_client()

    assert lists(client) == lists(there)
    assert any(lists(there).values())


def test_an_upgrade_analyses_everything_again_and_says_how_far_it_is(
    upgraded: Backend, raw_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[UpgradeProgress | None] = []
    report = Formats.report

    def report_and_read(self: Formats, site: str, checked: int, articles: int) -> None:
        report(self, site, checked, articles)
        reports.append(self.progress(site))

    monkeypatch.setattr(Formats, "report", report_and_read)
    was_outdated = upgrade(upgraded, "main")
    vectors = [raw_redis.get(key) for key in raw_redis.scan_iter("see:{main}:vector:*")]

    assert was_outdated
    assert {FEATURES_VERSION} == {int.from_bytes(vector[4:6], "little") for vector in vectors}
    assert UpgradeProgress(len(STORIES), len(STORIES)) in reports
    assert upgraded.formats.progress("main") is None
    assert raw_redis.hget(FORMAT, "oldest") == str(FEATURES_VERSION).encode()


def test_a_second_upgrade_has_nothing_to_do(upgraded: Backend) -> None:
    upgrade(upgraded, "main")
    again = Formats(upgraded.connection)

    assert not again.is_outdated("main")
    assert not upgrade(upgraded, "main")


def test_the_follower_starts_an_upgrade_by_itself(upgraded: Backend) -> None:
    started: list[str] = []
    follower = Follower([upgraded.site("main")], started.append, upgraded.formats.is_outdated)
    follower.start()
    while not started:
        assert follower._thread.is_alive()
    follower.stop()

    assert {"main"} == set(started)


def test_whether_a_site_is_outdated_is_not_asked_all_the_time(upgraded: Backend) -> None:
    assert upgraded.formats.is_outdated("main")
    assert not upgraded.formats.is_outdated("main")  # not asked again for some seconds


def test_a_new_program_claims_an_archive(upgraded: Backend, raw_redis: "redis.Redis") -> None:
    record = {name.decode(): int(value) for name, value in raw_redis.hgetall(FORMAT).items()}

    assert record == {"oldest": FEATURES_VERSION - 1, "newest": FEATURES_VERSION}


def test_an_older_program_refuses_newer_data_in_one_line(
    backend: Backend, settings: Settings, raw_redis: "redis.Redis"
) -> None:
    raw_redis.hset(FORMAT, mapping={"oldest": FEATURES_VERSION, "newest": FEATURES_VERSION + 1})

    with pytest.raises(ConfigurationError, match=r"a newer Also See wrote .* Install") as refusal:
        Backend(settings)
    assert "\n" not in str(refusal.value)


def test_data_two_versions_old_is_refused_until_it_is_analysed_again(
    backend: Backend, settings: Settings, put: object, raw_redis: "redis.Redis"
) -> None:
    put(*map(article, STORIES))  # type: ignore[operator]
    as_version(raw_redis, FEATURES_VERSION - 2)
    with pytest.raises(ConfigurationError, match="alsosee reindex --site main"):
        Backend(settings)

    with Backend(settings, accept_old=True) as old:
        assert upgrade(old, "main")
    with Backend(settings) as new:
        assert any(lists(create_app(backend=new).test_client()).values())


def test_an_archive_from_before_the_record_counts_as_the_first_release(
    backend: Backend,
    settings: Settings,
    put: object,
    raw_redis: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(article("kursk"))  # type: ignore[operator]
    raw_redis.delete(FORMAT)
    monkeypatch.setattr(formats_module, "UNRECORDED_VERSION", FEATURES_VERSION - 1)
    with Backend(settings) as again:
        is_outdated = again.formats.is_outdated("main")

    assert is_outdated


@pytest.mark.parametrize("record", [b"", b"-1", b"x", b"1 2 3", b"5"])
def test_a_damaged_progress_record_means_no_progress(
    backend: Backend, raw_redis: "redis.Redis", record: bytes
) -> None:
    raw_redis.set(f"{FORMAT}:progress", record)

    assert backend.formats.progress("main") is None


def test_doctor_and_desk_show_the_progress(
    upgraded: Backend, key: dict[str, str], settings: Settings
) -> None:
    upgraded.formats.report("main", 2, 5)
    overview = create_app(backend=upgraded).test_client().get("/v1/main/overview", headers=key)

    assert overview.json["service"]["upgrade"] == {"checked": 2, "articles": 5}


# Data folders that released versions left


@pytest.mark.parametrize("folder", sorted(GOLDEN.glob("features-*")), ids=lambda path: path.name)
def test_the_data_folder_of_a_release_is_served(folder: Path, tmp_path: Path) -> None:
    version = int(folder.name.partition("-")[2])
    shutil.copytree(folder / "appendonlydir", tmp_path / "appendonlydir")
    settings = Settings(data_dir=tmp_path, store_timeout_seconds=5)
    expected = json.loads((folder / "lists.json").read_text())
    if version not in READABLE:
        with pytest.raises(ConfigurationError):
            Backend(settings)
        return
    with Backend(settings) as backend:
        client = create_app(backend=backend).test_client()
        shown = {
            article_id: [
                item["id"]
                for item in client.get(f"/v1/main/articles/{article_id}/related?limit=50").json[
                    "items"
                ]
            ]
            for article_id in expected
        }

    assert expected == shown
