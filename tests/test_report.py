"""The report of an evaluation: what an editor-in-chief reads is true, whole, and harmless."""

import math
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from recommender.errors import InvalidInput
from recommender.evaluation import Protocol, evaluate, read_archive
from recommender.evaluation.intervals import Interval
from recommender.evaluation.measures import DEFAULT_MEASURES, LIST_MEASURES, OVERALL, SHOWN
from recommender.evaluation.report import findings, svg, wording, write_report
from recommender.evaluation.report.figures import Figures
from recommender.evaluation.report.groups import by_length, by_period, by_section, words
from recommender.evaluation.systems import SYSTEMS, given_run
from recommender.sources.records import Record

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)>"
# Of a title, no element is left, escaped or not; signs and quotes are.
HOSTILE_TITLE = 'A < B " onmouseover="alert(3)" & \'x\''
SUBJECTS = ("river lock gates barge water", "tram drivers strike pay depot", "storm coast harbour")
START = datetime(2026, 1, 28, 9, tzinfo=UTC)


def newsroom(**fields):
    """Twelve stories about three subjects in turn, every ten days; fields may be functions."""
    stories = []
    for n in range(12):
        subject = SUBJECTS[n % 3]
        story = {
            "id": f"story-{n}",
            "title": f"{subject.split()[0].title()} report {n}",
            "body": f"{subject} " * (n + 1) + f"detail{n} filler{n % 4}",
            "url": f"https://news.example/story-{n}",
            "published_at": (START + timedelta(days=10 * n)).isoformat(),
            "section": subject.split()[0],
            "language": "en",
        }
        stories.append(story | {k: v(n) if callable(v) else v for k, v in fields.items()})
    return read_archive(Record(n, story) for n, story in enumerate(stories))


def links():
    """Every story links to the last on its subject, and that one back; one pair is useless."""
    truth = {f"story-{n}": {f"story-{n - 3}": 2} for n in range(3, 12)}
    for n in range(9):
        truth.setdefault(f"story-{n}", {})[f"story-{n + 3}"] = 1
    truth["story-11"] |= {"story-10": 0, "story-2": 1, "vanished": 2}
    return truth


def page_of(evaluation, folder, **options):
    return LexborHTMLParser(write_report(evaluation, folder, **options).read_text())


def text_of(node):
    return " ".join(node.text(deep=True).split())


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(newsroom(), links())


@pytest.fixture(scope="module")
def page(evaluation, tmp_path_factory):
    return page_of(evaluation, tmp_path_factory.mktemp("report"), name="The Daily Example")


@pytest.fixture(scope="module")
def text(page):
    return text_of(page.body)


class TestTheFile:
    def test_is_named_in_the_answer(self, evaluation, tmp_path):
        path = write_report(evaluation, tmp_path / "new" / "folder")

        assert tmp_path / "new" / "folder" / "report.html" == path

    def test_is_the_same_to_the_byte_when_made_again(self, evaluation, tmp_path):
        again = evaluate(newsroom(), links())

        first = write_report(evaluation, tmp_path / "a").read_bytes()

        assert first == write_report(again, tmp_path / "b").read_bytes()

    def test_takes_the_place_of_an_older_one_and_leaves_nothing_beside_it(
        self, evaluation, tmp_path
    ):
        (tmp_path / "report.html").write_text("old")

        write_report(evaluation, tmp_path)

        assert ["report.html"] == [path.name for path in tmp_path.iterdir()]
        assert "old" != (tmp_path / "report.html").read_text()

    def test_an_older_one_stays_when_the_new_one_cannot_be_made(self, evaluation, tmp_path):
        (tmp_path / "report.html").write_text("old")

        with pytest.raises(InvalidInput):
            write_report(evaluation, tmp_path, pair=("alsosee", "nobody"))

        assert "old" == (tmp_path / "report.html").read_text()

    def test_may_be_read_by_a_web_server(self, evaluation, tmp_path):
        ordinary = tmp_path / "ordinary"
        ordinary.touch()

        report = write_report(evaluation, tmp_path)

        assert ordinary.stat().st_mode == report.stat().st_mode

    def test_takes_a_name_that_is_not_text(self, evaluation, tmp_path):
        page = page_of(evaluation, tmp_path, name="caf\udce9.jsonl")

        assert "How good is the related box of caf?.jsonl?" == text_of(page.css_first("h1"))


class TestOffline:
    def test_nothing_is_loaded_from_anywhere(self, page):
        loading = "script, iframe, object, embed, img, video, audio, source, image, use, base, form"
        sheets = [node.attributes.get("href") for node in page.css("link")]

        assert [] == page.css(loading)
        assert ["data:,"] == sheets

    def test_styles_name_no_address(self, page):
        styles = "".join(node.text() for node in page.css("style"))
        styles += "".join(node.attributes["style"] or "" for node in page.css("[style]"))

        assert [] == re.findall(r"url\(|@import|https?:", styles)

    def test_the_browser_is_told_to_load_nothing(self, page):
        policy = page.css_first('meta[http-equiv="Content-Security-Policy"]').attributes["content"]

        assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in policy

    def test_readers_leave_no_trace_at_the_sites_they_go_to(self, page):
        assert "no-referrer" == page.css_first("meta[name=referrer]").attributes["content"]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    archive = newsroom(title=HOSTILE_TITLE, section=HOSTILE_TITLE, id=lambda n: f"{HOSTILE}{n}")
    truth = {f"{HOSTILE}{n}": {f"{HOSTILE}{n - 3}": 2, HOSTILE: 1} for n in range(3, 12)}
    run = {query: [(next(iter(truth[query])), 1.0)] for query in truth}
    found = evaluate(
        archive, truth, systems=["alsosee", HOSTILE], more_systems={HOSTILE: given_run(run)}
    )
    return page_of(found, tmp_path_factory.mktemp("report"), name=HOSTILE)


class TestHostileText:
    def test_is_shown_as_it_is(self, attacked):
        assert HOSTILE_TITLE in text_of(attacked.css_first(".query .name"))

    def test_becomes_no_element(self, attacked):
        assert [] == attacked.css("script, img")

    def test_becomes_no_attribute(self, attacked):
        names = {name for node in attacked.css("*") for name in node.attributes}

        assert set() == {name for name in names if name.startswith("on")}

    def test_addresses_other_than_of_the_web_are_no_links(self, evaluation, tmp_path):
        articles = [
            article.model_copy(update={"url": "javascript:alert(1)"})
            for article in evaluation.archive.articles
        ]
        changed = replace(evaluation, archive=replace(evaluation.archive, articles=articles))

        links = page_of(changed, tmp_path).css("a")

        assert {"#"} == {node.attributes["href"][0] for node in links}

    def test_titles_take_their_own_direction_and_language(self, tmp_path):
        found = evaluate(newsroom(title="القاهرة تعلن", language="ar"), links(), ["alsosee"])

        title = page_of(found, tmp_path).css_first(".query .name")

        assert ("auto", "ar") == (title.attributes["dir"], title.attributes["lang"])

    def test_endless_titles_are_cut(self, tmp_path):
        found = evaluate(newsroom(title="long " * 90), links(), ["alsosee"])

        title = text_of(page_of(found, tmp_path).css_first(".query .name"))

        assert "long " * 39 + "long…" == title


class TestTheSummary:
    def test_says_how_often_the_box_holds_what_editors_linked(self, evaluation, page):
        hits = round(evaluation.interval("alsosee", "hit@5").mean * 9)

        assert f"In {hits} of 9 stories, the box shows" in text_of(page.css_first(".lead"))

    def test_compares_with_the_newest(self, evaluation, page):
        hits = round(evaluation.interval("recent", "hit@5").mean * 9)

        assert f"newest articles does in {hits} of 9" in text_of(page.css_first(".lead"))

    def test_names_the_best_rival(self, evaluation, page):
        others = [name for name in SYSTEMS if name != "alsosee"]
        best = max(others, key=lambda name: evaluation.interval(name, "nDCG@10").mean)

        assert f"The best other system here is {best} " in text_of(page.css_first("main section"))

    def test_warns_of_few_stories(self, text):
        assert "Only 9 stories." in text

    def test_cards_carry_their_intervals(self, evaluation, page):
        interval = evaluation.interval("alsosee", "nDCG@10")

        cards = text_of(page.css_first(".cards"))

        assert f"{interval.mean:.3f} 95 % interval: {interval.low:.3f}–{interval.high:.3f}" in cards


class TestThePage:
    def test_names_every_system(self, page):
        named = {text_of(node) for node in page.css("#systems dt")}

        assert {wording.system_name(name) for name in SYSTEMS} == named

    def test_names_every_measure_with_a_figure_for_every_system(self, page):
        rows = {
            text_of(row.css_first("th")): len(row.css("td"))
            for row in page.css("table.all tbody tr:not(.group)")
        }

        assert dict.fromkeys(DEFAULT_MEASURES, len(SYSTEMS)) == rows

    def test_the_table_has_the_figures_of_the_evaluation(self, evaluation, page):
        [row] = [
            r for r in page.css("table.all tbody tr") if text_of(r.css_first("th")) == "nDCG@5"
        ]
        figures = [re.match(r"\d\.\d{3}", text_of(cell))[0] for cell in row.css("td")]

        expected = [f"{evaluation.interval(name, 'nDCG@5').mean:.3f}" for name in SYSTEMS]
        assert expected == figures

    def test_the_best_of_a_row_is_marked_for_eyes_and_ears(self, evaluation, page):
        [row] = [
            r for r in page.css("table.all tbody tr") if text_of(r.css_first("th")) == "recall@10"
        ]
        marked = [cell for cell in row.css("td") if cell.css("strong")]
        best = max(evaluation.interval(name, "recall@10").mean for name in SYSTEMS)

        assert {f"{100 * best:.1f} %"} == {text_of(cell.css_first("strong")) for cell in marked}
        assert all("best" in text_of(cell) for cell in marked)

    def test_nothing_is_best_where_editors_decide(self, page):
        [row] = [
            r for r in page.css("table.all tbody tr") if text_of(r.css_first("th")) == "under-7d@5"
        ]

        assert [] == row.css("strong")

    def test_says_how_to_read_every_measure(self, page):
        explained = ", ".join(text_of(node) for node in page.css("#measures dt")).split(", ")

        assert set(DEFAULT_MEASURES) == set(explained)
        assert all(len(text_of(node)) > 40 for node in page.css("#measures dd"))

    def test_every_chart_is_told_in_words_and_in_figures(self, page):
        charted = page.css("figure")

        assert 7 == len(charted)
        for figure in charted:
            svg = figure.css_first("svg[role=img]")
            names = svg.attributes["aria-labelledby"].split()
            assert all(text_of(svg.css_first(f"#{name}")) for name in names)
            assert figure.css("details table tbody tr")

    def test_no_two_elements_share_an_id(self, page):
        ids = [node.attributes["id"] for node in page.css("[id]")]

        assert [] == [name for name, count in Counter(ids).items() if count > 1]

    def test_headings_leave_no_level_out(self, page):
        levels = [int(node.tag[1]) for node in page.css("h1, h2, h3, h4")]

        steps = [after - before for before, after in zip([0, *levels], levels, strict=False)]
        assert max(steps) == 1

    def test_wide_tables_scroll_in_a_box_that_keyboards_reach(self, page):
        boxes = {id(t.parent): t.parent.attributes for t in page.css("table")}.values()

        assert {("scroll", "0", "region")} == {
            (box["class"], box["tabindex"], box["role"]) for box in boxes
        }

    def test_says_what_it_was_asked(self, page):
        command = text_of(page.css_first("#method code"))

        names = ",".join(SYSTEMS)
        expected = f"alsosee evaluate ARTICLES TRUTH --systems {names} --as-of publication"
        assert f"{expected} --seed 0 --report DIR" == command

    def test_says_when_and_how_large(self, page):
        assert (
            "12 articles, 2026-01-28 to 2026-05-18; 9 stories whose links are known; 9 systems."
            in text_of(page.css_first("header"))
        )

    def test_times_nothing_unless_asked(self, text):
        assert " ms" not in text

    def test_gives_times_when_asked(self, evaluation, tmp_path):
        page = page_of(evaluation, tmp_path, timings=True)

        rows = page.css('[aria-labelledby="timings-caption"] tbody tr')
        assert len(SYSTEMS) == len(rows)


class TestStories:
    def test_every_story_is_there_once_when_they_are_few(self, evaluation, page):
        names = [text_of(node) for node in page.css(".query .name")]

        titles = {article.id: article.title for article in evaluation.archive.articles}
        assert sorted(titles[query] for query in evaluation.judged.qrels) == sorted(names)

    def test_the_lists_are_what_the_systems_showed(self, evaluation, page):
        query = evaluation.judged.qrels
        story = page.css_first(".query")
        [query] = [
            a.id
            for a in evaluation.archive.articles
            if a.title == text_of(story.css_first(".name"))
        ]
        shown = [link.attributes["href"] for link in story.css_first("ol").css("a")]

        listed = [article for article, _ in evaluation.systems["alsosee"].run[query][:SHOWN]]
        assert [f"https://news.example/{article}" for article in listed] == shown

    def test_grades_are_words(self, evaluation, tmp_path):
        items = page_of(evaluation, tmp_path, pair=("alsosee", "recent")).css(".query ol.shown li")

        grades = {text_of(item).rsplit(" · ", 1)[1] for item in items}

        linked = {"✓ linked by your editors", "✓ links to this story"}
        assert linked | {"✗ judged not related", "not judged"} == grades

    def test_dates_and_sections_stand_beside_titles(self, page):
        facts = [text_of(node) for node in page.css(".query ol li .facts:first-of-type")]

        assert any(re.match(r"2026-\d\d-\d\d · (river|tram|storm)", fact) for fact in facts)

    def test_says_where_a_missing_link_stands_in_both_lists(self, tmp_path):
        run = {f"story-{n}": [(f"story-{m}", 1.0) for m in range(n)] for n in range(3, 12)}
        found = evaluate(
            newsroom(), links(), ["first-come", "recent"],
            more_systems={"first-come": given_run(run)},
        )  # fmt: skip

        page = page_of(found, tmp_path)

        [missed] = [
            text_of(story.css_first("ul.shown"))
            for story in page.css(".query")
            if text_of(story.css_first(".name")) == "Storm report 11"
        ]
        assert "first-come: place 9, recent: place 3" in missed

    def test_a_pair_decides_who_stands_side_by_side(self, evaluation, tmp_path):
        page = page_of(evaluation, tmp_path, pair=("lsa", "bm25"))

        heads = [text_of(node) for node in page.css(".query h4") if "shows" in text_of(node)]
        assert ["lsa shows", "bm25 shows"] == heads[:2]

    @pytest.mark.parametrize("pair", [("alsosee", "nobody"), ("lsa", "lsa")])
    def test_a_pair_must_be_two_of_the_systems(self, evaluation, tmp_path, pair):
        with pytest.raises(InvalidInput, match="pair"):
            write_report(evaluation, tmp_path, pair=pair)

    @given(data=st.data())
    def test_the_best_are_no_worse_than_the_worst_and_none_is_both(self, evaluation, data):
        count = data.draw(st.integers(1, 90))
        grade = st.sampled_from([0.0, 0.25, 0.5, 1.0])
        values = [
            np.array(data.draw(st.lists(grade, min_size=count, max_size=count))) for _ in "ab"
        ]
        queries = {f"story-{n % 12}" + "x" * n: {"story-0": 2} for n in range(count)}
        figures = _Given(evaluation, queries, dict(zip(("ours", "theirs"), values, strict=True)))

        best, worst = findings.cases(figures, ["ours", "theirs"])

        good, bad = {case.query for case in best}, {case.query for case in worst}
        assert set() == good & bad
        assert min(20, (count + 1) // 2) == len(best)
        assert min(20, count // 2) == len(worst)
        assert min(case.values[0] for case in best) >= max(
            [case.values[0] for case in worst], default=0.0
        )


class _Given(Figures):
    """Figures with values and queries of the test's own."""

    def __init__(self, evaluation, qrels, values):
        judged = replace(evaluation.judged, qrels=qrels)
        system = replace(evaluation.systems["recent"], run={})
        super().__init__(replace(evaluation, judged=judged, systems=dict.fromkeys(values, system)))
        self._given = values

    def values(self, system, measure):
        return self._given[system]


class TestPoorArchives:
    def test_without_dates_there_is_a_page(self, tmp_path):
        found = evaluate(newsroom(published_at=None), links(), protocol=Protocol(as_of="all"))

        text = text_of(page_of(found, tmp_path).body)

        assert "No story of the truth has a date." in text
        assert "a box with the newest" not in text
        assert "too few dates to tell" in text

    def test_without_sections_there_is_a_page(self, tmp_path):
        found = evaluate(newsroom(section=None), links(), ["alsosee", "recent"])

        assert "No story of the truth has a section." in text_of(page_of(found, tmp_path).body)

    def test_without_texts_or_addresses_there_is_a_page(self, tmp_path):
        found = evaluate(newsroom(body="", url=None), links(), ["alsosee", "recent"])

        page = page_of(found, tmp_path)

        assert {"#"} == {node.attributes["href"][0] for node in page.css("a")}

    def test_one_system_is_enough(self, tmp_path):
        found = evaluate(newsroom(), links(), ["same-section"])

        page = page_of(found, tmp_path)

        assert "the box of same-section shows" in text_of(page.css_first(".lead"))
        assert "other system" not in text_of(page.body)

    def test_one_story_is_enough(self, tmp_path):
        found = evaluate(newsroom(), {"story-3": {"story-0": 2}}, ["alsosee", "recent"])

        page = page_of(found, tmp_path)

        assert "In 1 of 1 stories" in text_of(page.css_first(".lead"))
        assert 1 == len(page.css(".query"))

    def test_a_system_without_lists_is_shown_as_such(self, tmp_path):
        found = evaluate(
            newsroom(), links(), ["silent", "recent"], more_systems={"silent": given_run({})}
        )

        text = text_of(page_of(found, tmp_path).body)

        assert "silent shows nothing" in text
        assert not re.search(r"\bnan\b", text)

    def test_measures_that_were_not_asked_for_are_worked_out(self, evaluation, tmp_path):
        found = evaluate(newsroom(), links(), measures=["precision@3"])

        page = page_of(found, tmp_path)

        hits = round(evaluation.interval("alsosee", "hit@5").mean * 9)
        assert f"In {hits} of 9 stories" in text_of(page.css_first(".lead"))
        assert "--measures precision@3" in text_of(page.css_first("#method code"))


@pytest.fixture(scope="module")
def facts(page):
    terms = [text_of(node) for node in page.css("#truth dt")]
    return dict(zip(terms, (text_of(node) for node in page.css("#truth dd")), strict=True))


class TestTheTruth:
    def test_stories_and_pairs_are_counted(self, facts):
        assert ("9", "11") == (facts["Source stories"], facts["Judged pairs"])

    def test_grades_are_counted_in_words(self, facts):
        assert "9 pairs: linked by your editors" == facts["Grade 2"]

    def test_unknown_ids_are_named(self, facts):
        assert "1 are not in the archive: vanished" == facts["Unknown ids"]

    def test_stories_without_a_reachable_answer_are_counted(self, facts):
        assert facts["Left out"].startswith("3 stories, because")

    def test_the_age_of_links_is_told(self, facts):
        assert facts["Age of linked articles"].startswith("30 days in the median; 0.0 % under 48")


class TestWhere:
    def test_months_follow_one_another_also_when_empty(self, evaluation):
        months = by_period(Figures(evaluation), ["alsosee"])

        assert ["2026-02", "2026-03", "2026-04", "2026-05"] == [month.name for month in months]

    def test_a_long_span_is_told_in_years(self):
        archive = newsroom(published_at=lambda n: f"{2010 + n}-03-01")

        years = by_period(Figures(evaluate(archive, links(), ["recent"])), ["recent"])

        assert [f"{year}" for year in range(2013, 2022)] == [year.name for year in years]

    @pytest.mark.parametrize("wrong", ["0001-01-01", "9999-12-31"])
    def test_a_wrong_date_pushes_no_year_off_the_chart(self, wrong):
        archive = newsroom(published_at=lambda n: wrong if n == 5 else f"{2010 + n}-03-01")
        figures = Figures(evaluate(archive, links(), ["recent"], protocol=Protocol(as_of="all")))

        years = by_period(figures, ["recent"])

        assert {f"{2010 + n}" for n in range(12) if n != 5} <= {year.name for year in years}

    def test_lengths_split_the_stories_into_quarters(self, evaluation):
        quarters = by_length(Figures(evaluation), ["alsosee"])

        assert [3, 2, 2, 2] == [quarter.queries for quarter in quarters]

    def test_many_sections_are_gathered(self):
        archive = newsroom(section=lambda n: f"section {n:02}" if n > 4 else None)
        figures = Figures(evaluate(archive, links(), ["recent"]))

        groups = by_section(figures, ["recent"])

        assert ["section 05", "no section"] == [groups[0].name, groups[-1].name]
        assert 9 == sum(group.queries for group in groups)

    @pytest.mark.parametrize("cut", [by_section, by_period, by_length])
    def test_groups_weighed_by_size_give_the_mean_of_all(self, evaluation, cut):
        figures = Figures(evaluation)

        groups = cut(figures, ["lsa"])

        total = sum(g.queries * g.intervals["lsa"].mean for g in groups if g.queries)
        assert evaluation.interval("lsa", "nDCG@10").mean == pytest.approx(total / 9)

    @pytest.mark.parametrize(
        ("text", "count"), [("", 0), ("two words", 2), ("नमस्ते दुनिया", 2), ("世界你好 hello", 5)]
    )
    def test_words_are_counted_in_every_script(self, text, count):
        assert count == words(text)


class TestAges:
    def test_shares_add_up(self, evaluation):
        assert 1.0 == pytest.approx(sum(findings.shown_ages(Figures(evaluation), "lsa").shares))

    def test_the_newest_are_ten_to_fifty_days_old(self, evaluation):
        ages = findings.shown_ages(Figures(evaluation), "recent")

        days = [10 * n for story in range(3, 12) for n in range(1, min(story, 5) + 1)]
        assert float(np.median(days)) == ages.median_days
        assert float(np.mean(np.array(days) < 30)) == pytest.approx(sum(ages.shares[:3]))

    @pytest.mark.parametrize(
        ("days", "words"),
        [
            (0.01, "under an hour"),
            (1.5, "36 hours"),
            (9.0, "9 days"),
            (90.0, "3 months"),
            (900.0, "2.5 years"),
            (math.nan, "–"),
        ],
    )
    def test_are_shown_in_a_unit_of_a_readable_size(self, days, words):
        assert words == wording.days(days)


class TestExposure:
    def test_curves_lead_from_nothing_to_everything_and_never_fall(self, evaluation):
        curve = findings.exposure(Figures(evaluation), "bm25").curve

        assert ((0.0, 0.0), (1.0, 1.0)) == (curve[0], curve[-1])
        assert sorted(curve) == curve
        assert all(places <= articles + 1e-9 for articles, places in curve)

    def test_favourites_are_counted(self, evaluation):
        run = evaluation.systems["recent"].run
        counts = Counter(a for found in run.values() for a, _ in found[:SHOWN])

        article, lists = findings.exposure(Figures(evaluation), "recent").favourites[0]

        assert max(counts.values()) == counts[article] == lists


class TestWording:
    @pytest.mark.parametrize("name", [*DEFAULT_MEASURES, *LIST_MEASURES, *OVERALL])
    def test_every_measure_has_its_sentence(self, name):
        assert wording.measure_words(name).sentence.endswith((".", "."))

    @pytest.mark.parametrize("name", SYSTEMS)
    def test_every_system_has_its_words(self, name):
        assert name in wording.SYSTEM_WORDS

    def test_shares_of_many_are_told_by_the_hundred(self):
        assert "57 of 100" == wording.out_of(0.571, 2000)

    def test_grades_of_other_truths_have_words_too(self):
        assert "judged related, grade 3" == wording.grade_words(3)

    def test_nan_is_a_dash(self):
        assert ("–", "") == (
            wording.figure("hit@5", math.nan),
            wording.span_of(Interval(*[math.nan] * 3), "hit@5"),
        )


class TestCharts:
    @given(st.floats(1e-6, 1e9))
    def test_axes_end_at_a_round_number_above(self, value):
        top = svg.nice_top(value)

        assert value * 0.999 <= top <= 2 * value * 1.001

    @given(st.floats(1e-6, 1e9))
    def test_axes_begin_at_zero_and_end_at_their_end(self, value):
        top = svg.nice_top(value)

        ticks = svg._ticks(top)

        assert (0, pytest.approx(top)) == (ticks[0], ticks[-1])
        assert 4 <= len(ticks) <= 6

    def test_labels_are_text(self):
        bar = svg.Bar("first", Interval(0.5, 0.4, 0.6), HOSTILE)

        drawn = svg.bars("k", HOSTILE, HOSTILE, [svg.BarGroup(HOSTILE, HOSTILE, [bar])])

        assert "<script" not in drawn
        assert HOSTILE in LexborHTMLParser(drawn).body.text(deep=True)

    def test_what_is_nan_is_not_drawn(self):
        nothing = Interval(*[math.nan] * 3)

        drawn = svg.bars("k", "t", "d", [svg.BarGroup("l", "", [svg.Bar("first", nothing, "–")])])

        assert "nan" not in drawn
