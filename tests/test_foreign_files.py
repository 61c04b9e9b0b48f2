"""A sample of the real files that foreign_files.py measures; skipped where they are missing."""

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from recommender import RelatedArticles

BENCHMARKS = Path(__file__).parent / "benchmarks"
FIXTURES = Path(__file__).parents[2] / "shared/data/fixtures"

pytestmark = pytest.mark.skipif(
    not FIXTURES.exists(),
    reason="needs ../shared/data/fixtures: real files are not in this project",
)


@pytest.fixture(scope="module")
def measuring() -> Any:
    """The module that measures, which is no package's."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location(
            "foreign_files", BENCHMARKS / "foreign_files.py"
        )
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(BENCHMARKS))


def test_feeds_have_the_titles_links_and_dates_that_feedparser_expects(
    measuring: Any, tmp_path: Path
) -> None:
    measuring.unpack(FIXTURES / "feeds-feedparser.tar.gz", tmp_path / "feeds-feedparser")
    tests = tmp_path / "feeds-feedparser/tests"
    for other in ("wellformed/sanitize", "wellformed/itunes", "wellformed/lang", "entities"):
        shutil.rmtree(tests / other, ignore_errors=True)
    feeds = measuring.read_feeds(tests)

    assert [] == feeds.wrong
    assert feeds.facts.total() >= 20 and feeds.entries >= 500


def test_the_texts_of_pages_are_those_that_people_took(measuring: Any, tmp_path: Path) -> None:
    names = sorted(path.stem for path in _sample_of_pages(measuring, tmp_path))
    pages = [page for page in measuring.read_pages(tmp_path) if page.name.split("/")[1] in names]
    bodies = [page.body_f1 for page in pages if page.body_f1 is not None]

    assert len(bodies) >= 20
    assert sum(bodies) / len(bodies) >= 0.93
    assert {True, None} >= {page.title_is_right for page in pages}
    assert {True, None} >= {page.date_is_right for page in pages}


def _sample_of_pages(measuring: Any, folder: Path) -> list[Path]:
    """Every twelfth page of one set, and half of the other; the rest is taken away."""
    kept = []
    for name, step in (("html-gold-aeb", 12), ("html-newspaper4k", 2)):
        measuring.unpack(FIXTURES / f"{name}.tar.gz", folder / name)
        pages = sorted((folder / name / "html").glob("*.html"))
        for number, page in enumerate(pages):
            if number % step == 0:
                kept.append(page)
            else:
                page.unlink()
    return kept


def test_exports_of_wordpress_are_read_whole(measuring: Any, tmp_path: Path) -> None:
    measuring.unpack(FIXTURES / "wordpress.tar.gz", tmp_path / "wordpress")
    found = measuring._records_of_folder(tmp_path / "wordpress/wxr")
    posts = {path.name: len(records) for path, (records, _) in found.items()}

    assert {
        "64-block-test-data.xml": 61,
        "elasticpress-content-example.xml": 54,
        "theme-preview.xml": 7,
        "themeunittestdata.wordpress.xml": 58,
    } == posts
    assert {""} == {problem for _, problem in found.values()}


def test_every_post_of_a_spanish_magazine_is_spanish_and_has_a_list(
    measuring: Any, tmp_path: Path
) -> None:
    """As its REST API gives them, without a language; some are pictures with a word or two."""
    measuring.unpack(FIXTURES / "wordpress.tar.gz", tmp_path / "wordpress")
    posts = tmp_path / "wordpress/site/wp-json/wp/v2/posts.json"
    records, _ = measuring._records_of_folder(posts.parent)[posts]
    site = RelatedArticles(records)

    assert 373 == len(site)
    assert {"es"} == {site[article_id].language for article_id in site}
    pictures = [article_id for article_id in site if not site[article_id].body]
    assert 10 == len(pictures)
    tried = [*pictures, *list(site)[::15]]
    assert [] == [article_id for article_id in tried if not site.to(article_id)]
