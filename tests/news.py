"""Small news-like articles for tests."""

from hashlib import blake2b
from typing import Any

STORIES = {
    "kursk": (
        "Russia retakes villages in the Kursk region",
        "Russian troops advanced towards Sudzha in the Kursk region on Wednesday. Ukrainian units "
        "are withdrawing, military bloggers said, while Kyiv hinted at a pullback.",
    ),
    "sudzha": (
        "Flag raised over Sudzha as Ukraine withdraws",
        "A video showed Russian troops with a flag on the central square of Sudzha, a border town "
        "in the Kursk region that Ukraine had held since August.",
    ),
    "ceasefire": (
        "Washington presses Moscow to accept ceasefire",
        "The United States wants Russia to agree to a 30-day ceasefire that Ukraine has endorsed. "
        "The Kremlin said it was examining the proposal.",
    ),
    "budget": (
        "Council passes budget after a night of talks",
        "The city council approved its budget at dawn. Libraries keep their hours, and the tram "
        "fare rises by ten cents.",
    ),
    "final": (
        "Rovers win the cup final on penalties",
        "The goalkeeper saved three penalties as Rovers beat United in the cup final. Fans "
        "celebrated in the rain until midnight.",
    ),
}


def _variant(article_id: str) -> tuple[str, str]:
    """The title of the first story, with its body and twelve words that no other variant has."""
    digest = blake2b(article_id.encode(), digest_size=60).hexdigest()
    letters = digest.translate(str.maketrans("0123456789", "ghijklmnop"))
    own = " ".join(f"{letters[start : start + 9]}x" for start in range(0, 108, 9))
    title, body = STORIES["kursk"]
    return title, f"{body} {own}."


def article(article_id: str = "kursk", **fields: Any) -> dict[str, Any]:
    """
    One of `STORIES`, or a variant of the first one, as a newsroom would send it.

    Each variant has twelve words of its own. Without these, all variants would tell the same story,
    and a list shows a story once. All have the same number, so that all are equally similar.
    """
    title, body = STORIES.get(article_id) or _variant(article_id)
    fields_of_story = {
        "id": article_id,
        "title": title,
        "body": body,
        "url": f"https://news.example/{article_id}",
        "published_at": "2025-03-13T07:12:44Z",
        "language": "en",
    }
    return fields_of_story | fields
