"""A guess at the language of a text is a guess: it keeps no article out of the lists."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from field_cases import FOLDER, needs_field_cases
from flask.testing import FlaskClient
from news import article

from features.analysis import analyse, certain_languages, settle_language
from features.language import LanguageMix, detect, detect_language, relatives, written_language
from recommender.backend import Backend
from recommender.ingest import ingest
from recommender.library import RelatedArticles
from recommender.sources.records import Record

Put = Callable[..., None]
NOW = datetime(2026, 11, 30, tzinfo=UTC)

SPANISH = LanguageMix.of(["es"] * 300)
BILINGUAL = LanguageMix.of(["en", "fr"] * 100)


def stored(backend: Backend, *articles: dict[str, Any]) -> dict[str, str | None]:
    """Import articles; the language of each."""
    records = [Record(number, data) for number, data in enumerate(articles, 1)]
    list(ingest(backend.store, "main", records, defaults=backend.defaults.of("main")))
    return {one["id"]: one["language"] for one in backend.store.all_articles("main")}


def shown(client: FlaskClient, article_id: str, query: str = "") -> list[str]:
    items = client.get(f"/v1/main/articles/{article_id}/related?{query}").json["items"]
    return [item["id"] for item in items]


@needs_field_cases
def test_the_undetermined_article_of_the_field_stands_in_the_lists_of_its_archive(
    backend: Backend, client: FlaskClient
):
    lines = (FOLDER / "04-undetermined-language/in.jsonl").read_bytes().splitlines()
    languages = stored(backend, *map(orjson.loads, lines))

    assert {"en"} == set(languages.values())
    assert {"derby-preview", "derby-reaction"} <= set(shown(client, "derby-result"))
    assert "derby-result" in shown(client, "derby-preview")


@pytest.mark.parametrize(
    ("text", "mix", "language"),
    [
        ("Zafarrancho nº6: Democracia Real Ya Análisis de DRY.", SPANISH, "es"),
        ("Zafarrancho nº7: Catalanismo Neo-feudal", SPANISH, "es"),
        ("NATO", SPANISH, "es"),
        ("G7", SPANISH, "es"),
        ("NATO", BILINGUAL, None),
        ("NATO", LanguageMix.of(["en", "fr"] * 100, main="fr"), "fr"),
        ("NATO", LanguageMix(main="uk"), "uk"),
        ("The negotiators met in the city this morning to talk about the ceasefire", SPANISH, "en"),
        ("谈判代表今天上午在市内会面，讨论停火问题", SPANISH, "zh"),
        ("Переговорщики встретились утром в городе, чтобы обсудить перемирие", SPANISH, "ru"),
        ("東京五輪組織委員会会長", LanguageMix.of(["ja"] * 50), "ja"),
        ("東京五輪組織委員会会長", LanguageMix.of(["zh"] * 50), "zh"),
        ("Vijesti iz Sarajeva i Zagreba", LanguageMix.of(["bs"] * 50), "bs"),
        ("Vijesti iz Sarajeva i Zagreba", LanguageMix.of(["hr"] * 50), "hr"),
        ("Berita terkini hari ini", LanguageMix.of(["ms"] * 50), "ms"),
    ],
)
def test_where_a_text_leaves_doubt_the_site_decides(text, mix, language):
    assert language == detect_language(text, mix)


def test_a_long_text_is_in_its_own_language_whatever_the_site_publishes():
    text = (
        "Els negociadors es van reunir al matí a la ciutat per parlar de la treva, però encara no "
        "han arribat a cap acord sobre els presoners, segons fonts del govern."
    )

    assert ("ca", True) == detect(text, SPANISH) == detect(text)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("bs", "hr", True),
        ("sr", "cnr", True),
        ("sr-cyrl", "sr", True),
        ("sr-cyrl", "hr", False),
        ("no", "da", True),
        ("id", "ms", True),
        ("es", "ca", False),
        ("pt", "pt", True),
        ("uk", "ru", False),
    ],
)
def test_close_relatives_are_one_group(one, other, expected):
    assert expected == (other in relatives(one)) == (one in relatives(other))


def test_serbian_in_cyrillic_is_apart_from_its_latin_relatives():
    assert "sr-cyrl" == written_language("sr", "Вести из Београда")
    assert "sr" == written_language("sr", "Vesti iz Beograda")
    assert "und" == written_language(None, "NATO")


def test_relatives_stand_in_each_others_lists_and_strangers_do_not(put: Put, client: FlaskClient):
    languages = ["bs", "hr", "sr-Latn", "cnr", "en"]
    put(*(article(f"a{n}", language=language) for n, language in enumerate(languages)))

    assert {"a1", "a2", "a3"} == set(shown(client, "a0"))
    assert {"a0", "a2", "a3"} == set(shown(client, "a1"))
    assert {"a0", "a2", "a3"} == set(shown(client, "a1", "lang=hr"))
    assert {"a4"} == set(shown(client, "a1", "lang=en"))


def test_an_unknown_language_is_compatible_with_every_language(put: Put, client: FlaskClient):
    put(article("spanish", language="es"), article("english"), article("french", language="fr"))
    put(article("unknown", title="NATO", body="G7", language="und"))

    assert {"spanish", "english", "french"} == set(shown(client, "unknown"))
    assert ["unknown"] == shown(client, "spanish")
    assert ["unknown"] == shown(client, "english")


def test_a_list_that_its_language_would_leave_empty_has_others_and_says_so(
    put: Put, client: FlaskClient
):
    put(article("kursk"), article("sudzha"), article("lone", language="hu"))
    items = client.get("/v1/main/articles/lone/related").json["items"]

    assert {"kursk", "sudzha"} == {item["id"] for item in items}
    assert {"other_language"} == {item["reason"]["code"] for item in items}
    assert client.get("/v1/main/articles/lone/related").json["fallback"]
    assert [] == shown(client, "lone", "fallback=false")
    assert [] == shown(client, "lone", "lang=hu")
    assert "lone" not in shown(client, "kursk")


def test_the_main_language_of_the_site_is_taken_where_nothing_else_tells(
    client: FlaskClient, key: dict[str, str], backend: Backend
):
    settings = {"articles": {"language": "uk", "zone": "Europe/Kyiv"}}
    assert 200 == client.put("/v1/main/settings", json=settings, headers=key).status_code
    sent = {"id": "a", "title": "NATO", "date": "2025-07-10 07:12"}
    client.put("/v1/main/articles/a", json=sent, headers=key)
    made = client.get("/v1/main/articles/a", headers=key).json

    assert ("uk", "2025-07-10T04:12:00Z") == (made["language"], made["published_at"])
    assert {"language": "uk", "zone": "Europe/Kyiv"} == (
        client.get("/v1/main/settings", headers=key).json["articles"]
    )


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"zone": "Mars/Olympus"}, "/articles/zone"),
        ({"zone": "../passwd"}, "/articles/zone"),
        ({"language": "Klingon"}, "/articles/language"),
        ({"colour": "red"}, "/articles/colour"),
    ],
)
def test_settings_of_articles_that_cannot_be_are_refused(client, key, sent, pointer):
    answer = client.put("/v1/main/settings", json={"articles": sent}, headers=key)

    assert (400, [pointer]) == (answer.status_code, [e["pointer"] for e in answer.json["errors"]])


def test_the_first_articles_of_a_site_settle_each_other(backend: Backend):
    spanish = [
        article(f"a{n}", title="Siguen las negociaciones", language=None,
                body="El gobierno anunció ayer que las negociaciones con los sindicatos seguirán "
                f"esta semana, según fuentes del ministerio de trabajo. {n}")
        for n in range(5)
    ]  # fmt: skip
    brief = article("brief", title="Zafarrancho nº6", body="Análisis de DRY.", language=None)

    assert {"es"} == set(stored(backend, brief, *spanish).values())
    assert "es" == stored(backend, {**brief, "id": "later"})["later"]


def test_an_import_twice_changes_no_language(backend: Backend):
    ids = range(3)
    briefs = [article(f"b{n}", title=f"Zafarrancho nº{n}", body="", language=None) for n in ids]
    articles = [*briefs, *(article(f"a{n}", language="es") for n in ids)]

    assert stored(backend, *articles) == stored(backend, *articles)
    assert 6 == backend.store.change_log.version("main")


def test_lists_in_memory_do_not_depend_on_the_order_of_articles():
    brief = {"id": "brief", "title": "Zafarrancho nº6", "body": "Análisis de DRY."}
    others = [article(f"a{n}", language="es") for n in range(3)]
    early, late = RelatedArticles([brief]), RelatedArticles()
    early.add(others)
    late.add([*others, brief])

    assert "es" == early["brief"].language == late["brief"].language


def test_a_language_that_the_sender_gave_is_never_settled_by_others():
    given = analyse(article("a", title="NATO", body="", language="fr"))
    mix = certain_languages([analyse(article(f"a{n}", language="es")) for n in range(9)])

    assert "fr" == settle_language(given, mix).article.language
