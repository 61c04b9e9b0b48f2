"""Articles of one template that are different stories: forecasts, horoscopes, results …"""

import tomllib
from pathlib import Path
from typing import Any

TEMPLATES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


def filled(kind: str) -> list[dict[str, Any]]:
    """The articles of a kind, a day apart."""
    template = TEMPLATES[kind]
    articles = []
    for number, values in enumerate(template["articles"]):
        blanks = dict(zip(template["blanks"], values, strict=True))
        articles.append(
            {
                "id": f"{kind}-{number}",
                "title": template["title"].format_map(blanks),
                "body": template["body"].format_map(blanks),
                "language": template["language"],
                "published_at": f"2025-03-{number + 10}T08:00:00Z",
                "url": f"https://news.example/{kind}-{number}",
            }
        )
    return articles
