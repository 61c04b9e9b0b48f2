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


def _another(article_id: str) -> tuple[str, str]:
    digest = blake2b(article_id.encode(), digest_size=60).hexdigest()
    letters = digest.translate(str.maketrans("0123456789", "ghijklmnop"))
    own = " ".join(f"{letters[start : start + 9]}x" for start in range(0, 108, 9))
    title, body = STORIES["kursk"]
    return title, f"{body} {own}."


def article(article_id: str = "kursk", **fields: Any) -> dict[str, Any]:
    """
    One of `STORIES`, or another one about the first of them, as a newsroom would send it.

    Such others say a dozen words of their own, or they would tell the same story, of which a list
    shows one; all as many, so that all are equally close to each other.
    """
    title, body = STORIES.get(article_id) or _another(article_id)
    made = {
        "id": article_id,
        "title": title,
        "body": body,
        "url": f"https://news.example/{article_id}",
        "published_at": "2025-03-13T07:12:44Z",
        "language": "en",
    }
    return made | fields
