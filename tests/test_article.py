import pytest
from hypothesis import given
from hypothesis import strategies as st
from news import article

from features.article import parse_article, parse_draft, read_article
from features.fields import FIELD_ALIASES
from recommender.errors import InvalidInput


def problems(fields: object) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        parse_article(fields)
    return {found.pointer: found.detail for found in caught.value.problems}


@pytest.mark.parametrize(
    ("ours", "theirs"), [(o, a) for o, names in FIELD_ALIASES.items() for a in names]
)
def test_every_known_name_of_a_field_is_understood(ours, theirs):
    fields = article(version=3, tags=["war"], authors=["News Desk"], section="World")
    fields |= {
        "excerpt": "In short.",
        "updated_at": "2025-03-14",
        "image": "https://news.example/1.jpg",
    }
    expected = parse_article(fields)

    renamed = {theirs if name == ours else name: value for name, value in fields.items()}
    assert expected == parse_article(renamed)


def test_problems_name_the_field_as_the_sender_spelt_it():
    assert {"/headline", "/pubDate"} == problems(
        {"id": "a", "headline": 5, "pubDate": "yesterday"}
    ).keys()


def test_all_problems_are_reported_together():
    fields = {"id": "", "title": None, "body": 1, "tags": 2, "url": "ftp://x", "version": -1}

    assert {"/id", "/title", "/body", "/tags", "/url", "/version"} == problems(fields).keys()


@pytest.mark.parametrize(
    "article_id", ["2014/03/19/hello-world", "a:b", "*", "{x}", "..", "%2F", "\u200fabc", "é" * 256]
)
def test_an_id_is_the_sites_own_affair(article_id):
    assert article_id == parse_article(article(id=article_id)).id


@pytest.mark.parametrize(
    "article_id", ["", "a\nb", "a\0b", "é" * 257, "\ud800", 1.5, None, True, []]
)
def test_an_id_is_1_to_512_bytes_without_control_characters(article_id):
    assert "/id" in problems(article(id=article_id))


def test_a_numeric_id_becomes_text():
    assert "4711" == parse_article(article(id=4711)).id


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "java\tscript:alert(1)", "http://127.0.0.1\\@good.example/",
        "data:,x",
        "http://user@news.example/", "https://news.example/\u202egpj.exe", "VBScript:x",
    ],
)  # fmt: skip
def test_an_address_that_may_deceive_refuses_the_article(url):
    assert "/url" in problems(article(url=url))


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example", "https:evil", "/relative", "https://[broken", "kursk",
        "mailto:a@b.example",
        "http://news.example:99999999/",
    ],
)  # fmt: skip
def test_what_is_no_http_address_is_left_out(url):
    made, warnings, _ = read_article(article(url=url))

    assert made.url is None
    assert ["/url"] == [warning.pointer for warning in warnings]


def test_html_in_a_body_becomes_text():
    made = parse_article(
        article(body="<p>Flag over <b>Sud</b>zha</p><script>x()</script><p>AT&amp;T</p>")
    )

    assert "Flag over Sudzha\n\nAT&T" == made.body


def test_tags_may_come_as_one_string():
    assert ("war", "Kursk region") == parse_article(article(tags="war, Kursk region;war")).tags


def test_authors_may_come_as_objects():
    assert ("Ana Ruiz",) == parse_article(article(authors=[{"name": "Ana Ruiz"}])).authors


def test_a_missing_excerpt_is_taken_from_the_body():
    made = parse_article(article("sudzha"))

    assert made.excerpt is not None
    assert made.body.startswith(made.excerpt.rstrip("…"))


def test_a_missing_language_is_detected():
    spanish = (
        "El gobierno anunció ayer que las negociaciones con los sindicatos continuarán esta semana."
    )

    assert (
        "es"
        == parse_article(
            article(body=spanish, title="Siguen las negociaciones", language=None)
        ).language
    )


def test_a_language_that_is_given_is_believed():
    assert "pt" == parse_article(article(language="pt-BR")).language


def test_version_orders_writes_before_updated_at():
    assert 7 == parse_article(article(version=7, updated_at="2025-03-14T00:00:00Z")).revision
    assert 1741910400000 == parse_article(article(updated_at="2025-03-14T00:00:00Z")).revision
    assert parse_article(article()).revision is None


@pytest.mark.parametrize("version", [1.5, "seven", True, -1, 2**53])
def test_a_version_is_a_whole_number_that_every_client_can_hold(version):
    assert "/version" in problems(article(version=version))


def test_a_version_may_come_as_text_as_in_csv():
    assert 7 == parse_article(article(version="7")).version


def test_a_body_over_200_000_characters_is_cut():
    made, warnings, _ = read_article(article(body="word " * 50_000))

    assert "word " * 39_999 + "word" == made.body
    assert [("/body", "cut after 200,000 characters")] == warnings


@pytest.mark.parametrize("field", ["title", "body", "section", "excerpt", "url"])
@pytest.mark.parametrize("broken", ["a\0b", "a\ud800b"])
def test_nul_and_lone_surrogates_are_refused_everywhere(field, broken):
    assert f"/{field}" in problems(article(**{field: broken}))


def test_unknown_fields_are_ignored():
    assert parse_article(article()) == parse_article(article(wp_internal={"x": 1}))


def test_a_draft_needs_no_id_and_no_title():
    assert "" == parse_draft({"body": "Talks on a ceasefire went on."}).title


@pytest.mark.parametrize(
    "empty", [{}, {"title": "", "body": ""}, {"title": None}, [], None, "text"]
)
def test_a_draft_needs_a_title_or_a_body(empty):
    with pytest.raises(InvalidInput):
        parse_draft(empty)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from([n for names in FIELD_ALIASES.values() for n in names]), json_values
    )
)
def test_whatever_comes_in_is_an_article_or_a_list_of_problems(fields):
    try:
        assert parse_article(fields).id
    except InvalidInput as error:
        assert error.problems
