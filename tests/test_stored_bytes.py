"""No byte that is stored is ever run: the shipped code has no way to do it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import recommender

ROOT = Path(recommender.__file__).parents[1]
ROOMS = ("features", "recommender", "api")
# Modules whose loaders run code; of yaml the safe loaders remain.
MODULES = {"_pickle", "cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve", "skops"}
CALLS = {"eval", "exec", "compile", "execfile"}
METHODS = {("yaml", "load"), ("yaml", "load_all"), ("yaml", "unsafe_load"), ("yaml", "full_load")}


def test_the_shipped_code_loads_no_code_from_data() -> None:
    problems = []
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            tree = ast.parse(file.read_text())
            problems += [f"{file.name}: {problem}" for problem in loaders(tree)]

    assert [] == problems


def test_every_way_is_recognised() -> None:
    sources = [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "numpy.load(file, allow_pickle=True)",
        "yaml.load(text)",
    ]

    assert [1] * len(sources) == [len(list(loaders(ast.parse(source)))) for source in sources]
    assert [] == list(loaders(ast.parse("re.compile('x'); numpy.load(f, allow_pickle=False)")))


def loaders(tree: ast.AST) -> Iterator[str]:
    """What in this code could run code that comes as data."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                yield from (name.name for name in names if name.name.split(".")[0] in MODULES)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in MODULES:
                yield module
            case ast.Call(func=ast.Name(name)) if name in CALLS:
                yield name
            case ast.Call(func=ast.Attribute(ast.Name(module), name)) if (module, name) in METHODS:
                yield f"{module}.{name}"
            case ast.keyword("allow_pickle", value) if getattr(value, "value", True) is not False:
                yield "allow_pickle"
