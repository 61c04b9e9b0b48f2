"""The newsroom's own links, as truth and out of the question."""

from importlib.resources import files

import orjson
import pytest

from recommender.evaluation.links import ArchiveLinks, harvest

SAMPLE = files("api").joinpath("sample")


def story(article_id: str, body: str = "", **fields: object) -> dict[str, object]:
    url = f"https://www.news.example/{article_id}/"
    return {"id": article_id, "title": f"Title of {article_id}", "url": url, "body": body} | fields


def sample(name: str) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in SAMPLE.joinpath(name).read_text().splitlines()]


def test_the_sample_archives_links_are_its_truth_file():
    expected = {line["id"]: line["related"] for line in sample("truth.jsonl")}

    assert expected == harvest(sample("articles.jsonl")).truth


def test_a_link_is_grade_2_forth_and_1_back():
    found = harvest(
        [story("a", '<p>See <a href="https://news.example/b?utm_source=x">it</a>.</p>'), story("b")]
    )

    assert {"a": {"b": 2}, "b": {"a": 1}} == found.truth
    assert {"in text": 1} == found.links


def test_links_both_ways_are_grade_2_both_ways():
    found = harvest([story("a", '<a href="/b">B</a>'), story("b", '<a href="/a/">A</a>')])

    assert {"a": {"b": 2}, "b": {"a": 2}} == found.truth


def test_also_see_lines_count_by_title_where_the_link_was_lost():
    found = harvest([story("a", "First.\n\nAlso See: Title of B"), story("b", title="Title of B")])

    assert {"also see": 1} == found.links


def test_links_out_of_the_archive_count_for_nothing():
    assert (
        {} == harvest([story("a", '<a href="https://elsewhere.example/b">B</a>'), story("b")]).truth
    )


def test_articles_of_one_package_belong_together():
    found = harvest(
        [story("a", tags=["Series: The river"]), story("b", tags=["series: the river"])]
    )

    assert {"a": {"b": 2}, "b": {"a": 2}} == found.truth


def test_a_digest_is_left_out_and_counted():
    digest = story("digest", "".join(f'<a href="/a{n}">x</a>' for n in range(11)))
    found = harvest([digest, *(story(f"a{n}") for n in range(11))])

    assert {} == found.truth
    assert {"links of digests": 11} == found.left_out


def test_a_target_that_everybody_links_to_is_left_out_and_counted():
    found = harvest(
        [story("about"), *(story(f"a{n}", '<a href="/about">us</a>') for n in range(11))]
    )

    assert {} == found.truth
    assert {"links to farms": 11} == found.left_out


@pytest.mark.parametrize(
    ("body", "stripped"),
    [
        ('<p>One.</p><p><strong>Also See:</strong> <a href="/b">Title</a></p>', "<p>One.</p>"),
        ('<p>After <a href="/b">the flood</a> came mud.</p>', "<p>After  came mud.</p>"),
        ('<p>One.</p><p><a href="/b">Title</a></p>', "<p>One.</p>"),
        (
            '<p>By <a href="https://x.example/">X</a>.</p>',
            '<p>By <a href="https://x.example/">X</a>.</p>',
        ),
        ("One.\nAlso See: Title of b\nTwo.", "One.\n\nTwo."),
    ],
)
def test_the_text_of_links_is_taken_out_of_the_question(body, stripped):
    records = [story("a", body), story("b")]

    assert stripped == ArchiveLinks.of(records).strip(records[0])["body"]


def test_no_title_of_a_linked_article_stays_in_the_sample():
    records = sample("articles.jsonl")
    links = ArchiveLinks.of(records)
    titles = {record["id"]: record["title"] for record in records}

    leaks = [
        (record["id"], link.target)
        for record in records
        for link in links.links(record)
        if link.kind == "also see" and titles[link.target] in links.strip(record)["body"]
    ]
    assert [] == leaks


@pytest.mark.parametrize(
    "data", [None, 5, [], {}, {"id": 1, "body": 7}, {"body": "<a href='[::1'>x</a>", "url": "//["}]
)
def test_what_is_no_article_has_no_links_and_stays_as_it_is(data):
    links = ArchiveLinks.of([data])

    assert [] == list(links.links(data))
    assert data == links.strip(data)
