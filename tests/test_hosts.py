"""A card links to the hosts that its site has declared, and nowhere else."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from news import article

from api.app import create_app
from features.addresses import is_on
from recommender.backend import Backend
from recommender.config import Settings
from recommender.errors import ConfigurationError
from recommender.ingest import ingest
from recommender.sources.records import Record

ADDRESSES = {
    "own": "https://news.example/own",
    "www": "http://www.news.example/www",
    "upper": "https://NEWS.example/upper",
    "port": "https://news.example:8443/port",
    "sub": "https://blog.news.example/sub",
    "suffix": "https://news.example.evil.example/",
    "prefix": "https://evilnews.example/",
    "foreign": "https://evil.example/news.example",
}
ALLOWED = {"own", "www", "upper"}


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    hosts = ("www.news.example", "other=sport.example")
    settings = settings.model_copy(update=Settings(hosts=hosts).model_dump(include={"hosts"}))
    with Backend(settings) as backend:
        for site in ("main", "other"):
            articles = [article(name, url=url) for name, url in ADDRESSES.items()]
            records = (Record(line, fields) for line, fields in enumerate(articles, 1))
            assert all(result.outcome == "added" for result in ingest(backend.store, site, records))
        yield create_app(backend=backend).test_client()


@pytest.mark.parametrize("place", ["recent", "articles/own/related"])
def test_a_foreign_address_is_no_link(client: FlaskClient, place: str) -> None:
    items = client.get(f"/v1/main/{place}?limit=20").json["items"]
    linked = {item["id"] for item in items if item["url"]}

    assert linked == ALLOWED & {item["id"] for item in items}
    assert len(items) >= 7


@pytest.mark.parametrize("ending", [".html", ".rss", ".json", ".jsonld"])
def test_no_form_holds_a_foreign_link(client: FlaskClient, ending: str) -> None:
    text = client.get(f"/v1/main/recent{ending}?limit=20").text

    assert ("//evil.example/" in text, "//news.example/own" in text) == (False, True)


def test_a_host_of_one_site_is_none_of_another(client: FlaskClient) -> None:
    items = client.get("/v1/other/recent?limit=20").json["items"]

    assert {"own", "www", "upper"} == {item["id"] for item in items if item["url"]}


def test_without_hosts_any_http_address_will_do() -> None:
    assert all(is_on(url, ()) for url in ADDRESSES.values())
    assert not is_on("javascript:alert(1)", ())


def test_settings_know_the_hosts_of_each_site() -> None:
    settings = Settings.from_environment(
        {"ALSOSEE_HOSTS": "WWW.News.example, sport=www.sport.example:8080, =a.example:443"}
    )

    everywhere = ("news.example", "a.example")

    assert (everywhere, sorted((*everywhere, "sport.example:8080")), "https://news.example/") == (
        settings.hosts_of("main"),
        sorted(settings.hosts_of("sport")),
        settings.home_page("main"),
    )


@pytest.mark.parametrize("value", ["https://news.example", "news.example/", "Sp ort=a", "*", "a b"])
def test_what_is_no_host_stops_the_start(value: str) -> None:
    with pytest.raises(ConfigurationError, match="ALSOSEE_HOSTS: expected host names"):
        Settings.from_environment({"ALSOSEE_HOSTS": value})
