"""Posts in the export of a Ghost site, joined from its tables."""

from typing import Any


def posts(export: dict[str, Any]) -> list[Any] | None:
    """The posts with names of tags and authors; None if this is no export of Ghost."""
    tables = _tables(export)
    if tables is None:
        return None
    tags = _names(tables, "posts_tags", "tag_id", "tags")
    authors = _names(tables, "posts_authors", "author_id", "users")

    def complete(post: Any) -> Any:
        if not isinstance(post, dict):
            return post  # refused later, with its number
        post_id = str(post.get("id"))
        return _post(post, tags.get(post_id, []), authors.get(post_id, []))

    return [*map(complete, tables["posts"])]


def _tables(export: dict[str, Any]) -> dict[str, Any] | None:
    databases = export.get("db")
    if isinstance(databases, list) and databases and isinstance(databases[0], dict):
        export = databases[0]
    data = export.get("data")
    is_export = isinstance(data, dict) and isinstance(data.get("posts"), list)
    return data if is_export else None


def _names(tables: dict[str, Any], joins: str, key: str, named: str) -> dict[str, list[str]]:
    """Post id → the names that a table of pairs gives it, in their order."""
    names = {str(row.get("id")): row.get("name") for row in _rows(tables, named)}
    names_of: dict[str, list[str]] = {}
    for row in sorted(_rows(tables, joins), key=_place):
        name = names.get(str(row.get(key)))
        if isinstance(name, str):
            names_of.setdefault(str(row.get("post_id")), []).append(name)
    return names_of


def _place(row: dict[str, Any]) -> float:
    place = row.get("sort_order")
    return place if isinstance(place, int | float) else 0


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
