"""Posts in the export of a Ghost site, put together from its tables."""

from typing import Any


def posts(export: dict[str, Any]) -> list[Any] | None:
    """The posts with names of tags and authors; None for what is no export of Ghost."""
    tables = _tables(export)
    if tables is None:
        return None
    tags = _names(tables, "posts_tags", "tag_id", "tags")
    authors = _names(tables, "posts_authors", "author_id", "users")
    return [
        _post(post, tags.get(post.get("id"), []), authors.get(post.get("id"), []))
        if isinstance(post, dict)
        else post
        for post in tables["posts"]
    ]


def _tables(export: dict[str, Any]) -> dict[str, Any] | None:
    databases = export.get("db")
    if isinstance(databases, list) and databases and isinstance(databases[0], dict):
        export = databases[0]
    data = export.get("data")
    is_export = isinstance(data, dict) and isinstance(data.get("posts"), list)
    return data if is_export else None


def _names(tables: dict[str, Any], joins: str, key: str, named: str) -> dict[Any, list[str]]:
    """Post id → the names that a table of pairs gives it, in their order."""
    names = {row.get("id"): row.get("name") for row in _rows(tables, named)}
    found: dict[Any, list[str]] = {}
    for row in sorted(_rows(tables, joins), key=lambda row: row.get("sort_order") or 0):
        name = names.get(row.get(key))
        if isinstance(name, str):
            found.setdefault(row.get("post_id"), []).append(name)
    return found


def _rows(tables: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = tables.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _post(post: dict[str, Any], tags: list[str], authors: list[str]) -> dict[str, Any]:
    public = [name for name in tags if not name.startswith("#")]  # "#" is for the theme alone
    fields: dict[str, Any] = {**post, "tags": public, "authors": authors}
    if public:
        fields["section"] = public[0]
    # Ghost's own addresses, unless its routes say otherwise; the home page is not in the export.
    if "url" not in fields and isinstance(post.get("slug"), str):
        fields["url"] = f"/{post['slug']}/"
    return fields
