"""The page this product starts from, sent as a draft against a year of world news."""

from pathlib import Path

import pytest

from recommender.ingest import ingest
from recommender.sources.files import ArticleFile

SHARED = Path(__file__).parents[2] / "shared/data"
ARCHIVE, PAGE = SHARED / "current-events-2025.jsonl.gz", SHARED / "seed-page.txt"

pytestmark = pytest.mark.skipif(
    not PAGE.exists(), reason="NO CORPUS: ../shared/data beside the repository is not there"
)


def test_the_seed_page_gets_what_its_editor_would_have_linked(backend, client, key):
    with ArticleFile(str(ARCHIVE)) as file:
        assert 5427 == sum(
            1 for one in ingest(backend.store, "main", file.records()) if one.outcome
        )
    title, _, body = PAGE.read_text().partition("\n")
    story = body.partition("News Desk")[0]

    answer = client.post("/v1/main/related", json={"title": title, "body": story}, headers=key)
    titles = [item["title"] for item in answer.json["items"]]
    assert 5 == len(titles)
    assert all(any(word in t for word in ("Kursk", "Sudzha", "Ukrain", "Putin")) for t in titles)
    for subject in ("Kursk", "Sudzha", "ceasefire"):
        assert any(subject in t for t in titles), subject
