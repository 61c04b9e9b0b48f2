"""
Measure the shape of the source: `.venv/bin/python tests/benchmarks/code_metrics.py`.

It prints one line for each figure, beside its target. `--list` adds what counts against a target,
by file. Paths after the options choose other code than the three packages.
"""

import argparse
import ast
import io
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "recommender", "api")
LONGEST_FUNCTION = 50
VAGUE_NAMES = frozenset({"found", "made", "said", "told", "heard", "wanted", "spelt", "mended"})
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Place:
    """Something that counts against a target, and where it is."""

    file: str
    line: int
    text: str


@dataclass
class Module:
    """What is counted in one file."""

    file: str
    lines: int
    filled_lines: int
    characters: int
    comments: int
    functions: list[Place] = field(default_factory=list)
    function_lines: list[int] = field(default_factory=list)
    tuple_assignments: list[Place] = field(default_factory=list)
    comprehensions: list[Place] = field(default_factory=list)
    vague_names: list[Place] = field(default_factory=list)
    types: list[Place] = field(default_factory=list)


def read_module(path: Path, root: Path = ROOT) -> Module:
    source = path.read_text()
    lines = source.splitlines()
    filled = [line.strip() for line in lines if line.strip()]
    module = Module(
        file=str(path.relative_to(root)) if path.is_relative_to(root) else str(path),
        lines=len(lines),
        filled_lines=len(filled),
        characters=sum(len(line) for line in filled),
        comments=count_comments(source),
    )
    tree = ast.parse(source)
    for node in ast.walk(tree):
        _count(module, node, lines)
    module.types = [Place(module.file, line, name) for line, name in types_defined(tree)]
    return module


def _count(module: Module, node: ast.AST, lines: Sequence[str]) -> None:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        module.function_lines.append(length)
        module.functions.append(Place(module.file, node.lineno, f"{node.name}: {length} lines"))
    elif isinstance(node, ast.Assign) and is_tuple_assignment(node):
        module.tuple_assignments.append(_place(module.file, node, lines))
    elif isinstance(node, COMPREHENSIONS):
        module.comprehensions.append(_place(module.file, node, lines))
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in VAGUE_NAMES:
        module.vague_names.append(Place(module.file, node.lineno, node.id))
    elif isinstance(node, ast.arg) and node.arg in VAGUE_NAMES:
        module.vague_names.append(Place(module.file, node.lineno, node.arg))


def _place(file: str, node: ast.expr | ast.stmt, lines: Sequence[str]) -> Place:
    return Place(file, node.lineno, lines[node.lineno - 1].strip())


def is_tuple_assignment(node: ast.Assign) -> bool:
    """`a, b = x, y`; not what a call returned, and not a swap."""
    if not isinstance(node.value, ast.Tuple):
        return False
    values = sorted(ast.unparse(value) for value in node.value.elts)
    for target in node.targets:
        if isinstance(target, ast.Tuple | ast.List):
            return sorted(ast.unparse(element) for element in target.elts) != values
    return False


def count_comments(source: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return sum(token.type == tokenize.COMMENT for token in tokens)


def types_defined(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of every public class, and of every alias such as `Pace = Literal[...]`."""
    for statement in tree.body:
        name = _type_name(statement)
        if name is not None and not name.startswith("_"):
            yield statement.lineno, name


def _type_name(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.ClassDef):
        return statement.name
    if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.annotation) == "TypeAlias":
        return ast.unparse(statement.target)
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Subscript | ast.BinOp):
        name = ast.unparse(statement.targets[0])
        is_camel_case = name.isidentifier() and name[0].isupper() and not name.isupper()
        return name if is_camel_case else None
    return None


def types_in_several_modules(modules: Iterable[Module]) -> dict[str, list[Place]]:
    places: dict[str, list[Place]] = defaultdict(list)
    for module in modules:
        for place in module.types:
            places[place.text].append(place)
    return {
        name: places[name]
        for name in sorted(places)
        if len({place.file for place in places[name]}) > 1
    }


def flat_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.py") if path.name != "__init__.py")


def table(modules: Sequence[Module], flat: Sequence[str]) -> list[tuple[str, str, str]]:
    """Rows of figure, value and target; an empty target is for information only."""
    lines = sum(module.lines for module in modules)
    filled = sum(module.filled_lines for module in modules)
    lengths = sorted(length for module in modules for length in module.function_lines)
    longest = max(lengths, default=0)
    p90 = lengths[len(lengths) * 9 // 10] if lengths else 0
    characters = sum(module.characters for module in modules) / max(filled, 1)
    comments = sum(module.comments for module in modules)
    assignments = sum(len(module.tuple_assignments) for module in modules)
    comprehensions = sum(len(module.comprehensions) for module in modules)
    vague = sum(len(module.vague_names) for module in modules)
    repeated = types_in_several_modules(modules)

    def per(number: int, unit: int) -> str:
        return f"{number * unit / max(lines, 1):.1f}"

    return [
        ("modules / lines", f"{len(modules)} / {lines:,}", ""),
        (
            "function lines, median / p90 / max",
            f"{median(lengths or [0]):.0f} / {p90} / {longest}",
            f"max ≤ {LONGEST_FUNCTION}",
        ),
        ("characters per non-blank line, unindented", f"{characters:.1f}", ""),
        ("`a, b = x, y` per 1,000 lines", per(assignments, 1000), "≤ 2"),
        ("comprehensions per 1,000 lines", per(comprehensions, 1000), "≤ 20"),
        ("type names defined in more than one module", str(len(repeated)), "≤ 2"),
        ("comments per 100 lines", per(comments, 100), "≥ 3"),
        ("variables with a vague name", str(vague), "0"),
        ("flat files in api/", str(len(flat)), "≤ 6"),
    ]


def print_table(rows: Sequence[tuple[str, str, str]]) -> None:
    for figure, value, target in rows:
        print(f"{figure:<44}{value:>16}   {target}".rstrip())


def print_offenders(modules: Sequence[Module], flat: Sequence[str]) -> None:
    for module in modules:
        pairs = zip(module.functions, module.function_lines, strict=True)
        too_long = [place for place, length in pairs if length > LONGEST_FUNCTION]
        _print_places("long functions", too_long)
        _print_places("tuple assignments", module.tuple_assignments)
        _print_places("comprehensions", module.comprehensions)
        _print_places("vague names", module.vague_names)
    print_files_with_few_comments(modules)
    print("\ntype names defined in more than one module")
    for name, places in types_in_several_modules(modules).items():
        print(f"  {name}: {', '.join(f'{place.file}:{place.line}' for place in places)}")
    print(f"\nflat files in api/: {', '.join(flat)}")


def _print_places(title: str, places: Sequence[Place]) -> None:
    if not places:
        return
    print(f"\n{places[0].file}: {len(places)} {title}")
    for place in sorted(places, key=attrgetter("line")):
        print(f"  {place.line}: {place.text}")


def print_files_with_few_comments(modules: Sequence[Module]) -> None:
    print("\ncomments per 100 lines, modules of 50 lines or more below 3")
    rates = Counter({m.file: 100 * m.comments / m.lines for m in modules if m.lines >= 50})
    for file, rate in reversed(rates.most_common()):
        if rate < 3:
            print(f"  {rate:4.1f}  {file}")


def python_files(paths: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        files += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="list what counts against a target")
    parser.add_argument("paths", nargs="*", type=Path, help="folders or files, not the packages")
    options = parser.parse_args()
    paths = [path.resolve() for path in options.paths] or [ROOT / name for name in PACKAGES]
    modules = [read_module(path) for path in python_files(paths)]
    flat = flat_files(ROOT / "api")
    print_table(table(modules, flat))
    if options.list:
        print_offenders(modules, flat)


if __name__ == "__main__":
    main()
