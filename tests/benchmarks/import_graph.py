"""
Print which rooms import which: `.venv/bin/python tests/benchmarks/import_graph.py [FOLDER]`.

A room is a folder of `api/` or `recommender/`, the files beside these folders, or `features/`. Each
row of the table is a room with the number of its modules, and the number of its imports from every
other room. FOLDER is another checkout, such as an older commit; none of its code is run.
"""

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "recommender", "api")
FILES = "files"  # the name of the room for files that are in no folder of their own


def room_of(module: str, folder: Path) -> str:
    """`api/v1` for api.v1.lists, `api/files` for api.app, and `features` for all of it."""
    package, *rest = module.split(".")
    if package == "features":
        return package
    is_folder = bool(rest) and (folder / package / rest[0]).is_dir()
    return f"{package}/{rest[0] if is_folder else FILES}"


def imports_between_rooms(graph: grimp.ImportGraph, folder: Path) -> dict[str, Counter[str]]:
    """Room → the rooms that it imports, with the number of imports."""
    imports: dict[str, Counter[str]] = defaultdict(Counter)
    for module in sorted(graph.modules):
        room = room_of(module, folder)
        for imported in graph.find_modules_directly_imported_by(module):
            other = room_of(imported, folder)
            if other != room:
                imports[room][other] += 1
    return imports


def imports_in_circles(graph: grimp.ImportGraph, folder: Path) -> list[str]:
    """Rooms and single files that import each other; a file counts for itself."""
    edges: set[tuple[str, str]] = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            edges.add((_node(module, folder), _node(imported, folder)))
    return sorted(
        f"{one} and {other}" for one, other in edges if one < other and (other, one) in edges
    )


def _node(module: str, folder: Path) -> str:
    room = room_of(module, folder)
    return module.replace(".", "/") + ".py" if room.endswith(FILES) else room


def table(graph: grimp.ImportGraph, folder: Path) -> str:
    modules = Counter(room_of(module, folder) for module in sorted(graph.modules))
    imports = imports_between_rooms(graph, folder)
    rows = ["| room | modules | imports |", "|---|---|---|"]
    for room, number in modules.items():
        parts = [f"`{other}` {count}" for other, count in imports[room].most_common()]
        rows.append(f"| `{room}` | {number} | {', '.join(parts) or '–'} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT)
    folder = parser.parse_args().folder.resolve()
    sys.path.insert(0, str(folder))
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    print(table(graph, folder))
    circles = ", ".join(imports_in_circles(graph, folder))
    print(f"\nImports in both directions: {circles or 'none'}.")


if __name__ == "__main__":
    main()
