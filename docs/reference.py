"""
Bring the generated parts of the documents up to date: `.venv/bin/python docs/reference.py`.

They are made from what the code declares: options, settings, fields, commands and operations. A
test compares the documents with it.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import click
from flask import Flask

from api.app import register_api
from api.cli.main import COMMANDS, main
from api.http.operation import operation_of
from api.v1.openapi.document import describe
from features.fields import FIELD_ALIASES
from recommender.config import PREFIX, Settings
from recommender.policy.list_options import LinkOptions, ListOptions, SharedOptions
from recommender.policy.option import DeclaredOption, declared_options

DOCS = Path(__file__).parent
ADDRESS = "http://127.0.0.1:8000"
HELP_WIDTH = 90


class Generated(NamedTuple):
    """A part of a document: what stands between its two markers."""

    document: str
    marker: str
    make: Callable[[], str]


def generated_parts() -> list[Generated]:
    shared = SharedOptions.model_fields
    everything = declared_options(ListOptions)
    changed = [o for o in declared_options(LinkOptions, "links") if o not in everything]
    return [
        Generated(
            "LIST-OPTIONS.md",
            "settings",
            lambda: _options(o for o in everything if o.name in shared),
        ),
        Generated(
            "LIST-OPTIONS.md",
            "requests",
            lambda: _options(o for o in everything if o.name not in shared),
        ),
        Generated("LIST-OPTIONS.md", "links", lambda: _options(changed)),
        Generated("fields.md", "fields", _fields),
        Generated("server-settings.md", "server-settings", _server_settings),
        Generated("commands.md", "commands", _commands),
        Generated("http.md", "operations", _operations),
        Generated("http-operations.md", "operations", _described_operations),
    ]


def with_generated_parts(document: str, text: str) -> str:
    """The *text* of a document, with new parts between their markers."""
    for part in generated_parts():
        if part.document != document:
            continue
        begin, end = f"<!-- begin {part.marker} -->", f"<!-- end {part.marker} -->"
        pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
        content = f"{begin}\n{part.make()}\n{end}"
        text, count = re.subn(pattern, lambda _, content=content: content, text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{document}: expected the markers {part.marker!r} once, not {count}×")
    return text


def write_all() -> None:
    for name in sorted({part.document for part in generated_parts()}):
        document = DOCS / name
        document.write_text(with_generated_parts(name, document.read_text()))


def _table(head: str, rows: Iterable[str]) -> str:
    columns = head.count("|") - 1
    return "\n".join([head, "|" + "---|" * columns, *rows])


# List options


def _options(options: Iterable[DeclaredOption]) -> str:
    rows = []
    for option in options:
        example = f"`{option.about.example}`" if option.about.example else ""
        rows.append(f"| `{option.name}` | {_meaning(option)} | {example} |")
    return _table("| option | meaning | example |", rows)


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


# Fields and settings


def _fields() -> str:
    rows = []
    for field, names in FIELD_ALIASES.items():
        others = ", ".join(f"`{name}`" for name in names if name != field)
        rows.append(f"| `{field}` | {others} |")
    return _table("| field | also read from |", rows)


def _server_settings() -> str:
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_shown(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return _table("| variable | default | meaning |", rows)


def _shown(value: object) -> str:
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    if value is None or value == b"" or not text:
        return ""
    return f"`{text.lower() if isinstance(value, bool) else text}`"


# Commands


def _commands() -> str:
    # With the settings of the group: click keeps a command's help option after its first use.
    settings = {**main.context_settings, "terminal_width": HELP_WIDTH}
    context = click.Context(main, info_name="alsosee", **settings)
    return "\n\n".join(part for name in COMMANDS for part in _helps(main, context, name))


def _helps(group: click.Group, parent: click.Context, name: str) -> Iterator[str]:
    """The help of a command of *group*, and of the commands in it."""
    command = group.get_command(parent, name)
    if command is None:
        return
    context = click.Context(command, info_name=name, parent=parent, terminal_width=HELP_WIDTH)
    level = "##" if parent.parent is None else "###"
    yield f"{level} {context.command_path}\n\n```text\n{command.get_help(context)}\n```"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _helps(command, context, inner)


# Operations


class DescribedOperation(NamedTuple):
    """An operation of the API, as `/openapi.json` describes it, with the scope of its key."""

    method: str
    path: str
    scope: str
    described: Mapping[str, Any]


@cache
def described_operations() -> list[DescribedOperation]:
    app = Flask("api")
    register_api(app)
    scopes = {}
    for view in app.view_functions.values():
        operation = operation_of(view)
        if operation is not None:
            needs_none = operation.scope is None or operation.key_is_optional
            scopes[operation.name] = "none" if needs_none else str(operation.scope)
    return [
        DescribedOperation(method.upper(), path, scopes[described["operationId"]], described)
        for path, item in describe(app)["paths"].items()
        for method, described in item.items()
    ]


def _operations() -> str:
    rows = [
        f"| [`{one.method} {one.path}`](http-operations.md#{_anchor(one)}) |"
        f" {one.described['summary']} | {one.scope} |"
        for one in described_operations()
    ]
    return _table("| operation | for | key |", rows)


def _anchor(one: DescribedOperation) -> str:
    """As GitHub and MyST name the heading of `_described`."""
    return re.sub(r"[^\w\- ]", "", f"{one.method} {one.path}".lower()).replace(" ", "-")


def _described_operations() -> str:
    return "\n\n".join(map(_described, described_operations()))


def _described(one: DescribedOperation) -> str:
    description = one.described.get("description", "")
    parts = [
        f"## {one.method} {one.path}",
        f"{one.described['summary']}.",
        description,
        # The description of an operation that always needs a key begins with that.
        "" if description.startswith("Needs a key") else _key_of(one),
        _parameters(one),
        f"```sh\n{_curl(one)}\n```",
        _answer(one),
    ]
    return "\n\n".join(part for part in parts if part)


def _key_of(one: DescribedOperation) -> str:
    return "No key." if one.scope == "none" else f"Needs a key with the scope `{one.scope}`."


def _parameters(one: DescribedOperation) -> str:
    given = [p for p in one.described.get("parameters", ()) if p["in"] != "path"]
    names = {p["name"] for p in given}
    if set(ListOptions.model_fields) - {"page_token", "explain"} <= names | {"exclude"}:
        options = {option.name for option in declared_options(ListOptions)}
        given = [p for p in given if p["name"] not in options]
        note = "Takes [list options](LIST-OPTIONS.md)."
    else:
        note = ""
    rows = [f"| `{p['name']}` | {p['description']} |" for p in given]
    return "\n\n".join(
        part for part in (note, rows and _table("| parameter | meaning |", rows)) if part
    )


def _curl(one: DescribedOperation) -> str:
    parameters = one.described.get("parameters", ())
    path = one.path
    query = []
    for parameter in parameters:
        example = parameter.get("example")
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(str(example), safe=""))
        elif parameter.get("required"):
            query.append((parameter["name"], example))
    address = ADDRESS + path + ("?" + urlencode(query) if query else "")
    words = ["curl", f"'{address}'"]
    if one.method not in ("GET", "POST"):
        words.insert(1, f"-X {one.method}")
    lines = [" ".join(words)]
    if one.scope != "none":
        lines.append('-H "Authorization: Bearer $KEY"')
    lines += _sent(one)
    return " \\\n  ".join(lines)


def _sent(one: DescribedOperation) -> list[str]:
    body = one.described.get("requestBody", {}).get("content", {})
    if not body:
        return ["-X POST"] if one.method == "POST" else []
    [(media_type, content)] = list(body.items())[:1]
    example = content["example"]
    text = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)
    escaped = text.strip().replace("'", "'\\''")
    option = "--data-binary" if "\n" in escaped else "-d"
    return [f"-H 'Content-Type: {media_type}'", f"{option} '{escaped}'"]


def _answer(one: DescribedOperation) -> str:
    for status, response in one.described["responses"].items():
        for media_type, content in response.get("content", {}).items():
            if not status.startswith("2") or "example" not in content:
                continue
            example = content["example"]
            if isinstance(example, str):
                return f"```text\n{example.strip()}\n```"
            language = "json" if media_type.endswith("json") else "text"
            return f"```{language}\n{json.dumps(example, indent=2, ensure_ascii=False)}\n```"
    return ""


if __name__ == "__main__":
    write_all()
