"""Each list option is declared once; every interface reads and shows what the declaration says."""

from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from api.cli.export import export
from api.cli.list_options import read_list_options
from api.cli.related import related
from api.http.schemas import query_schemas
from api.lists.options import (
    FEW_VALUES,
    NEVER_CACHED,
    REPEATABLE,
    options_from_draft,
    options_from_query,
    parse_options,
)
from features.article import UNSAVED_ID
from recommender.errors import InvalidInput
from recommender.policy.list_options import LinkOptions, ListOptions, SharedOptions
from recommender.policy.option import declared_options
from recommender.policy.page_token import MAX_ARTICLES, PageToken
from recommender.policy.site_settings import ListDefaults

DECLARED = {option.name: option for option in declared_options(ListOptions)}
TEXTS: dict[str, list[str]] = {
    name: [*option.values] or [option.about.example] for name, option in DECLARED.items()
}
TEXTS["page_token"] = [str(PageToken.of("kursk", "sudzha"))]
TEXTS["published_after"] = ["7d", "2025-03-13"]


@pytest.mark.parametrize("model", [ListOptions, LinkOptions])
def test_every_option_is_declared_with_a_description(model):
    declared = declared_options(model)

    assert [*model.model_fields] == [option.name for option in declared]
    assert all(option.description and option.description[-1] != "." for option in declared)


@pytest.mark.parametrize("name", [n for n, option in DECLARED.items() if option.about.example])
def test_the_example_of_an_option_is_accepted(name):
    text = DECLARED[name].about.example
    options = options_from_query(MultiDict({name: text}), ListOptions)

    assert options != ListOptions()


def test_options_are_cached_by_how_many_values_they_have():
    assert FEW_VALUES == {"surface", "limit", "mode", "story", "sort", "fallback"}
    assert REPEATABLE == {"section", "tag", "author", "lang", "exclude"}
    assert NEVER_CACHED == ListOptions.model_fields.keys() - FEW_VALUES - {
        *("section", "tag", "author", "lang"),
    }


@pytest.mark.parametrize("option", declared_options(ListDefaults), ids=lambda o: o.name)
def test_the_settings_form_has_words_for_an_option_and_for_each_of_its_values(option):
    values = ("true", "false") if option.kind == "flag" else option.values

    assert option.about.label
    assert tuple(option.about.choices) == values


@pytest.mark.parametrize("command", [related, export], ids=["related", "export"])
def test_a_command_takes_every_option(command):
    flags = {name.replace("-", "_") for p in command.params for name in p.opts}

    assert {f"__{name}" for name in ListOptions.model_fields} <= flags


def test_openapi_has_every_option_and_for_links_all_but_two():
    names = [name for name, _ in query_schemas(ListOptions)]
    of_links = [name for name, _ in query_schemas(LinkOptions, ("links",))]

    assert [*ListOptions.model_fields] == names
    assert {*names, "direction"} - {"sort", "explain"} == {*of_links}


# One value, written in several ways


@given(st.fixed_dictionaries({}, optional={n: st.sampled_from(t) for n, t in TEXTS.items()}))
def test_a_query_string_a_command_and_a_draft_give_the_same_options(texts):
    of_draft = {option.name for option in declared_options(ListOptions, "draft")}
    body = {name: json_value(name, text) for name, text in texts.items() if name in of_draft}
    rest = MultiDict({name: text for name, text in texts.items() if name not in of_draft})
    expected = options_from_query(MultiDict(texts), ListOptions)

    assert expected == options_from_draft(body, UNSAVED_ID, rest, ListOptions)
    assert expected == read_list_options(typed(texts))


def json_value(name: str, text: str) -> Any:
    kind = DECLARED[name].kind
    if kind == "flag":
        return text == "true"
    if kind == "number":
        return float(text) if "." in text else int(text)
    return [text] if kind == "labels" else text


def typed(texts: dict[str, str]) -> dict[str, Any]:
    """The arguments that click passes to a command."""
    arguments = [f"--{name.replace('_', '-')}={text}" for name, text in texts.items()]
    for flag in ("--fallback", "--explain"):
        arguments = [a.replace(f"{flag}=true", flag) for a in arguments]
    arguments = [a.replace("--fallback=false", "--no-fallback") for a in arguments]
    context = related.make_context("related", ["kursk", *arguments])
    ours = ListOptions.model_fields
    return {name: value for name, value in context.params.items() if name in ours}


def test_every_text_of_these_tests_is_one_that_a_command_takes():
    for name, texts in TEXTS.items():
        for text in texts:
            try:
                assert name in typed({name: text})
            except click.UsageError as error:
                pytest.fail(f"{name}={text}: {error}")


def test_the_query_string_has_precedence_over_the_body_of_a_draft():
    args = MultiDict({"limit": "3"})
    options = options_from_draft({"limit": 7, "mode": "recent"}, "draft", args, ListOptions)

    assert ListOptions(limit=3, mode="recent", exclude=("draft",)) == options


@pytest.mark.parametrize(("text", "fallback"), [("true", False), ("0", True)])
def test_parsely_calls_the_opposite_of_fallback_by_another_name(text, fallback):
    args = MultiDict({"respect_empty_results": text, "pub_date_start": "7d"})
    options = options_from_query(args, ListOptions)

    assert (
        options_from_query(MultiDict({"published_after": "7d"}), ListOptions).replacing(
            fallback=fallback
        )
        == options
    )


def test_an_unknown_option_is_an_error_in_python():
    with pytest.raises(ValueError, match="colour"):
        ListOptions(colour="red")


@pytest.mark.parametrize("name", ["limit", "offset", "diversity", "min_score", "max_per_author"])
def test_true_is_no_number(name):
    with pytest.raises(InvalidInput, match=name):
        parse_options(ListOptions, {name: True})


def test_every_shared_option_is_an_option_of_a_request():
    assert SharedOptions.model_fields.keys() <= ListOptions.model_fields.keys()


# Page tokens


@given(st.lists(st.text(max_size=9), max_size=20), st.lists(st.text(max_size=9), max_size=20))
def test_a_page_token_holds_the_articles_that_were_added(first, second):
    token = PageToken.parse(str(PageToken().adding(first).adding(second)))

    assert all(article_id in token for article_id in (*first, *second))
    assert len({*first, *second}) == len(token)
    assert "elsewhere!" not in token


def test_a_page_token_forgets_the_oldest_articles():
    old = PageToken().adding(f"old{n}" for n in range(MAX_ARTICLES))
    token = PageToken.parse(str(old.adding(["new"])))

    assert MAX_ARTICLES == len(token)
    assert "new" in token
    assert "old0" in token
    assert f"old{MAX_ARTICLES - 1}" not in token


@pytest.mark.parametrize(
    "text", ["x", "AAAA", "not base 64", "a" * 8 * (MAX_ARTICLES + 1), 7, None]
)
def test_what_is_no_page_token_is_refused(text):
    with pytest.raises(ValueError, match="page_token"):
        PageToken.parse(text)
