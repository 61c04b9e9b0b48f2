"""The names of other systems: which of our fields they mean, and which of several is read."""

import pytest

from features.fields import FIELD_ALIASES, MAX_NAME_CHARS, folded_name, sender_names


@pytest.mark.parametrize(
    "name", ["post_title", "Post Title", "POST_TITLE", "postTitle", "post-title", " post title "]
)
def test_case_blanks_hyphens_and_underscores_do_not_count(name):
    assert {"title": name} == sender_names({name: "Gates fail"})


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            "ID post_author post_date_gmt post_content post_title post_name post_modified_gmt guid",
            {
                "id": "ID",
                "published_at": "post_date_gmt",
                "body": "post_content",
                "title": "post_title",
                "updated_at": "post_modified_gmt",
            },
        ),
        (
            "uuid id title slug html plaintext feature_image custom_excerpt published_at",
            {
                "id": "id",
                "title": "title",
                "body": "html",
                "image": "feature_image",
                "excerpt": "custom_excerpt",
                "published_at": "published_at",
            },
        ),
        (
            "nid title body created changed langcode",
            {
                "id": "nid",
                "title": "title",
                "body": "body",
                "published_at": "created",
                "updated_at": "changed",
                "language": "langcode",
            },
        ),
        (
            "id content_text content_html date_published date_modified banner_image",
            {
                "id": "id",
                "body": "content_html",
                "published_at": "date_published",
                "updated_at": "date_modified",
                "image": "banner_image",
            },
        ),
        (
            "identifier headline articleBody datePublished dateModified inLanguage keywords",
            {
                "id": "identifier",
                "title": "headline",
                "body": "articleBody",
                "published_at": "datePublished",
                "updated_at": "dateModified",
                "language": "inLanguage",
                "tags": "keywords",
            },
        ),
    ],
    ids=["WordPress table", "Ghost", "Drupal", "JSON Feed", "schema.org"],
)
def test_the_dialects_of_other_systems_are_understood(columns, expected):
    assert expected == sender_names(dict.fromkeys(columns.split(), "x"))


def test_the_first_name_with_a_value_is_read():
    assert "date" == sender_names({"date_gmt": "", "date": "2025"})["published_at"]
    assert "body" == sender_names({"content": "", "body": ""})["body"]
    assert "id" == sender_names({"_id": "a", "id": "b"})["id"]
    assert {} == sender_names({"date": None, "colour": "red"})


@pytest.mark.parametrize(
    "nothing", ["0000-00-00 00:00:00", "-0001-11-30T00:00:00", "0001-01-01", "1970-01-01T00:00:00"]
)
def test_a_date_that_means_no_date_gives_way_to_a_good_one(nothing):
    sent = {"post_date_gmt": nothing, "post_date": "2009-03-13 07:12:44"}

    assert {"published_at": "post_date"} == sender_names(sent)
    assert {"published_at": "post_date_gmt"} == sender_names({"post_date_gmt": nothing})


def test_a_name_belongs_to_one_field():
    folded = [(folded_name(a), field) for field, names in FIELD_ALIASES.items() for a in names]

    assert len({name for name, _ in folded}) == len(set(folded))


def test_a_long_name_is_none_of_ours():
    assert {} == sender_names({"title" + " " * MAX_NAME_CHARS: "x", "i" * 10**6: "x"})
