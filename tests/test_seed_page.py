"""The page this product starts from, sent as a draft against a year of world news."""

from collections import Counter
from html import escape
from pathlib import Path

import pytest

from features.article import read_article
from recommender.ingest import ingest
from recommender.sources.files import ArticleFile

SHARED = Path(__file__).parents[2] / "shared/data"
ARCHIVE, PAGE = SHARED / "current-events-2025.jsonl.gz", SHARED / "seed-page.txt"
# Three ways in which news systems write such a page around its text.
FRAMES = {
    "WordPress": """<!doctype html><html lang="en-US"><head><meta charset="utf-8">
<title>{title} - The Eastern Herald</title>
<meta property="og:title" content="{title}"><meta property="og:type" content="article">
<meta property="og:site_name" content="The Eastern Herald">
<meta property="article:published_time" content="2025-03-13T09:30:00+00:00">
<link rel="canonical" href="https://herald.example/2025/03/kursk/"></head>
<body class="post-template single single-post"><div id="page"><header id="masthead"><nav>
<ul class="menu"><li><a href="/">Home</a></li><li><a href="/world/">World</a></li>
<li><a href="/opinion/">Opinion</a></li></ul></nav></header>
<div class="elementor-widget-theme-post-title"><h1 class="entry-title">{title}</h1></div>
<div class="elementor-post-info"><span>By News Desk</span> <time datetime="2025-03-13">March 13,
2025</time></div><div class="entry-content elementor-widget-theme-post-content">{story}</div>
<div class="author-box"><h4>News Desk</h4><p>{desk}</p></div>
<div class="elementor-posts-container"><h2>Recent</h2>{recent}</div>
<footer><p>Copyright 2025. All rights reserved.</p></footer></div></body></html>""",
    "JSON-LD": """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<script type="application/ld+json">{{"@context": "https://schema.org", "@type": "NewsArticle",
"headline": "{title}", "datePublished": "2025-03-13T09:30:00Z", "url":
"https://herald.example/2025/03/kursk/"}}</script></head><body><div class="top"><a href="/">Home</a>
<form action="/search"><input name="q"><button>Search</button></form></div><main><article>
<header><h1>{title}</h1><p class="share"><a href="#">Share</a> <a href="#">Tweet</a></p></header>
<section class="body">{story}</section></article>
<aside class="recent"><h3>Recent</h3>{recent}</aside></main>
<div class="about"><h3>News Desk</h3><p>{desk}</p></div></body></html>""",
    "nothing but div": """<html><head><title>{title} | Herald</title></head><body>
<div class="nav"><a href="/">Home</a> | <a href="/world">World</a></div>
<div class="main"><div class="headline"><h1>{title}</h1></div><div class="date">2025-03-13</div>
<div class="text">{story}</div></div>
<div class="sidebar"><div class="head">Recent</div>{recent}</div>
<div class="foot">{desk}</div></body></html>""",
}

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


def paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def framed(frame: str) -> tuple[str, str, list[str], str]:
    """The page in HTML; its title, its paragraphs, and the text that stands below the story."""
    title, _, body = PAGE.read_text().partition("\n")
    story, _, below = body.partition("News Desk")
    desk, _, recent = below.partition("Recent")
    html = FRAMES[frame].format(
        title=escape(title),
        story="".join(f"<p>{escape(one)}</p>" for one in paragraphs(story)),
        desk=escape(" ".join(paragraphs(desk))),
        recent="".join(
            f'<div class="card"><h3><a href="/x">{escape(one)}</a></h3></div>'
            for one in paragraphs(recent)
        ),
    )
    return html, title, paragraphs(story), below


@pytest.mark.parametrize("frame", FRAMES)
def test_the_seed_page_as_html_is_its_story_and_nothing_around_it(tmp_path: Path, frame: str):
    html, title, story, below = framed(frame)
    (tmp_path / "kursk.html").write_text(html)
    with ArticleFile(str(tmp_path / "kursk.html")) as file:
        [record] = file.records()
    article = read_article({"id": "kursk", **record.data}).article

    assert (title, "2025-03-13") == (article.title, f"{article.published_at:%Y-%m-%d}")
    ours, theirs = Counter(article.body.split()), Counter(" ".join(story).split())
    assert 2 * (ours & theirs).total() / (ours.total() + theirs.total()) >= 0.97
    assert [] == [line for line in paragraphs(below)[2:] if line in article.body]
