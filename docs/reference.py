"""Bring the generated parts of the documents up to date: `.venv/bin/python docs/reference.py`."""

import re
from collections.abc import Iterable
from pathlib import Path

from recommender.policy.list_options import LinkOptions, ListOptions, SharedOptions
from recommender.policy.option import DeclaredOption, declared_options

LIST_OPTIONS = Path(__file__).with_name("LIST-OPTIONS.md")


def write_list_options() -> None:
    LIST_OPTIONS.write_text(with_tables(LIST_OPTIONS.read_text()))


def with_tables(text: str) -> str:
    """The text, with new tables between the markers that name them."""
    shared = SharedOptions.model_fields
    everything = declared_options(ListOptions)
    changed = [o for o in declared_options(LinkOptions, "links") if o not in everything]
    tables = {
        "settings": _table(o for o in everything if o.name in shared),
        "requests": _table(o for o in everything if o.name not in shared),
        "links": _table(changed),
    }
    for name, table in tables.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
        part = f"{begin}\n{table}\n{end}"
        text, count = re.subn(pattern, lambda _, part=part: part, text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"expected the markers of the table {name!r} once, found {count}")
    return text


def _table(options: Iterable[DeclaredOption]) -> str:
    rows = ["| option | meaning | example |", "|---|---|---|"]
    for option in options:
        example = f"`{option.about.example}`" if option.about.example else ""
        rows.append(f"| `{option.name}` | {_meaning(option)} | {example} |")
    return "\n".join(rows)


def _meaning(option: DeclaredOption) -> str:
    """The description and, where the model has one, the default."""
    if option.default is None or "default" in option.description.lower():
        return f"{option.description}."
    default = str(option.default)
    if isinstance(option.default, bool):
        default = default.lower()
    if default in ("", "()"):
        return f"{option.description}."
    return f"{option.description}. Default: `{default}`."


if __name__ == "__main__":
    write_list_options()
