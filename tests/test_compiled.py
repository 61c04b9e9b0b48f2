"""What is compiled is kept on disk, until any of the code that it is made from changes."""

from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

import recommender
from recommender.index import jit as compiled_module
from recommender.index.jit import compiled, edition

KERNEL = "from base import STEP\n\n\n@compiled\ndef next_one(at):\n    return at + STEP\n"
BASE = "STEP = {}\n\n\n@compiled\ndef step():\n    return STEP\n"


def test_a_change_in_any_compiled_file_makes_another_edition(tmp_path):
    (tmp_path / "similarity").mkdir()
    (tmp_path / "search.py").write_text(KERNEL)
    (tmp_path / "similarity" / "base.py").write_text(BASE.format(16))
    (tmp_path / "lists.py").write_text("K = 10\n")
    before = edition(tmp_path)
    (tmp_path / "lists.py").write_text("K = 20\n")
    unrelated = edition(tmp_path)
    (tmp_path / "similarity" / "base.py").write_text(BASE.format(32))

    assert before == unrelated != edition(tmp_path)


def test_functions_are_kept_by_edition():
    @compiled
    def doubled(number):
        return 2 * number

    current = edition(Path(recommender.__file__).parent)
    assert doubled.__qualname__.endswith(f"doubled-{current}")
    assert 6 == doubled(3)


DOUBLED = """
from recommender.index.jit import compiled

@compiled
def doubled(number):
    return 2 * number
"""


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def mistake(file: Path) -> None:
    """Put the code of another function in its place."""
    folder = file.parents[1]
    (folder / "others.py").write_text(DOUBLED.replace("2 *", "3 *"))
    started(folder, "others")(3)
    [other] = folder.glob(f"__pycache__/others.*{file.suffix}")
    file.write_bytes(other.read_bytes())


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-100]),
    "overwritten": lambda file: file.write_bytes(b"?" * file.stat().st_size),
    "with a wrong bit": flip,
    "of another function": mistake,
}


def started(folder: Path, name: str = "kernels") -> Any:
    """The function `doubled`, as a process has it that has just started."""
    spec = spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.doubled


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a function that was compiled, and kept."""
    monkeypatch.setattr(compiled_module, "damaged", set())
    (tmp_path / "kernels.py").write_text(DOUBLED)
    started(tmp_path)(3)
    return tmp_path


def test_what_was_compiled_once_is_read_from_the_disk(kernels):
    again = started(kernels)

    assert 6 == again(3)
    assert 1 == sum(again.stats.cache_hits.values())


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_machine_code_is_compiled_anew_and_the_log_says_so(kernels, kind, damage, logged):
    [file] = kernels.glob(f"__pycache__/*.{kind}")
    DAMAGES[damage](file)
    anew = started(kernels)
    found = 6 == anew(3), sum(anew.stats.cache_hits.values())
    after = started(kernels)

    assert (True, 0) == found
    assert {"doubled"} == compiled_module.damaged
    assert "kept code is damaged: compiling anew" in logged()
    assert (6, 1) == (after(3), sum(after.stats.cache_hits.values()))


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_what_cannot_be_kept_is_compiled_all_the_same(kernels, kind, logged):
    [file] = kernels.glob(f"__pycache__/*.{kind}")
    file.unlink()
    (file / "inside").mkdir(parents=True)

    assert 6 == started(kernels)(3)
    assert "compiled code cannot be kept" in logged()
