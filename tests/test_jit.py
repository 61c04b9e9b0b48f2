"""Compiled functions are cached on disk until any source that they are made from changes."""

import os
import pickle
import stat
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.caching import FunctionCache, IndexDataCacheFile

import recommender
from recommender.index import jit
from recommender.index.code_cache import CodeCache, UnsafeFolder
from recommender.index.jit import compiled, edition

KERNEL = "from base import STEP\n\n\n@compiled\ndef next_one(at):\n    return at + STEP\n"
BASE = "STEP = {}\n\n\n@compiled\ndef step():\n    return STEP\n"


def test_a_change_in_any_compiled_file_makes_another_edition(tmp_path):
    (tmp_path / "index").mkdir()
    (tmp_path / "search.py").write_text(KERNEL)
    (tmp_path / "index" / "base.py").write_text(BASE.format(16))
    (tmp_path / "lists.py").write_text("K = 10\n")
    before = edition(tmp_path)
    (tmp_path / "lists.py").write_text("K = 20\n")
    unrelated = edition(tmp_path)
    (tmp_path / "index" / "base.py").write_text(BASE.format(32))

    assert before == unrelated != edition(tmp_path)


def test_functions_are_cached_by_edition():
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


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def swap_code(file: Path) -> None:
    """Put the code of another function in its place."""
    folder = file.parents[2]
    (folder / "others.py").write_text(DOUBLED.replace("2 *", "3 *"))
    load(folder, "others")(3)
    [other] = folder.glob(f"cache/*/others.*{file.suffix}")
    file.write_bytes(other.read_bytes())


class Canary:
    """Unpickling it makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


def plant_code(file: Path) -> None:
    file.write_bytes(pickle.dumps(Canary(file.parents[2] / "canary")))


def sign_with_another_key(file: Path) -> None:
    content = pickle.dumps(Canary(file.parents[2] / "canary"))
    signature = CodeCache(file.parents[2] / "elsewhere").sign(file, content)
    file.write_bytes(content + signature)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-100]),
    "overwritten": lambda file: file.write_bytes(b"?" * file.stat().st_size),
    "with a wrong bit": flip_a_bit,
    "of another function": swap_code,
    "a pickle that runs code": plant_code,
    "of another install": sign_with_another_key,
}


def load(folder: Path, name: str = "kernels") -> Any:
    """The function `doubled` of a process that has just started."""
    spec = spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.doubled


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a function whose compiled code is cached."""
    monkeypatch.setattr(jit, "damaged", set())
    monkeypatch.setattr(jit, "cache", CodeCache(tmp_path / "cache"))
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "kernels.py").write_text(DOUBLED)
    load(tmp_path)(3)
    return tmp_path


def test_compiled_code_is_loaded_from_the_disk(kernels):
    again = load(kernels)

    assert 6 == again(3)
    assert 1 == sum(again.stats.cache_hits.values())


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_machine_code_is_compiled_anew_and_the_log_says_so(kernels, kind, damage, logged):
    [file] = kernels.glob(f"cache/*/*.{kind}")
    DAMAGES[damage](file)
    anew = load(kernels)
    first = (anew(3), sum(anew.stats.cache_hits.values()))
    after = load(kernels)

    assert (6, 0) == first
    assert not (kernels / "canary").exists()
    assert {"doubled"} == jit.damaged
    assert "cached code is damaged: compiling anew" in logged()
    assert (6, 1) == (after(3), sum(after.stats.cache_hits.values()))


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_function_that_cannot_be_cached_is_compiled_all_the_same(kernels, kind, logged):
    [file] = kernels.glob(f"cache/*/*.{kind}")
    file.unlink()
    (file / "inside").mkdir(parents=True)

    assert 6 == load(kernels)(3)
    assert "compiled code cannot be cached" in logged()


def test_only_our_user_may_read_the_folder_and_the_key(tmp_path):
    CodeCache(tmp_path / "cache")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("cache", "cache/key")]

    assert [0o700, 0o600] == modes


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_may_write_to_is_not_used(tmp_path, mode):
    tmp_path.chmod(mode)

    with pytest.raises(UnsafeFolder, match="other users may write"):
        CodeCache(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_a_folder_or_key_of_another_user_is_not_used(tmp_path):
    CodeCache(tmp_path)
    os.chown(tmp_path / "key", 12_345, 12_345)
    with pytest.raises(UnsafeFolder, match="another user"):
        CodeCache(tmp_path)
    os.chown(tmp_path, 12_345, 12_345)
    with pytest.raises(UnsafeFolder, match="another user"):
        CodeCache(tmp_path)


@pytest.mark.parametrize("key", [b"", b"short"])
def test_a_damaged_key_is_reported(tmp_path, key):
    CodeCache(tmp_path)
    (tmp_path / "key").write_bytes(key)

    with pytest.raises(UnsafeFolder, match="is damaged; delete it"):
        CodeCache(tmp_path)


def test_all_processes_have_one_key(tmp_path):
    file = tmp_path / "a"

    assert CodeCache(tmp_path).sign(file, b"x") == CodeCache(tmp_path).sign(file, b"x")
    assert ["key"] == [path.name for path in tmp_path.iterdir()]


PRIVATE_NAMES = (
    (FunctionCache, "_load_overload"),
    (FunctionCache, "_save_overload"),
    (IndexDataCacheFile, "_load_index"),
    (IndexDataCacheFile, "_load_data"),
    (IndexDataCacheFile, "_open_for_write"),
    (IndexDataCacheFile, "_data_path"),
)


@pytest.mark.parametrize(("owner", "name"), PRIVATE_NAMES)
def test_numba_still_has_the_private_methods_that_the_cache_overrides(owner, name):
    assert callable(getattr(owner, name, None))


def test_numba_still_has_the_private_attributes_that_the_cache_uses(kernels):
    dispatcher = load(kernels)
    cache = dispatcher._cache

    assert isinstance(cache, jit._DiskCache)
    assert isinstance(cache._cache_file, jit._SignedFiles)
    assert Path(cache._cache_file._index_path).is_file()
    assert cache._py_func.__name__ == "doubled"
    assert isinstance(cache._impl.filename_base, str)


def test_trailing_zeros_is_still_an_intrinsic_of_numba():
    @compiled
    def zeros(number):
        return jit.trailing_zeros(np.uint64(number))

    assert [0, 3, 62] == [zeros(number) for number in (1, 8, 2**62)]


PRIVATE_MODULES = ("numba.core", "numba.cpython", "numba.np", "numba.extending", "llvmlite")


def test_only_jit_uses_the_private_modules_of_numba():
    root = Path(recommender.__file__).parents[1]
    files = [
        file for room in ("features", "recommender", "api") for file in (root / room).rglob("*.py")
    ]
    sources = {file.name: file.read_text() for file in files}

    assert {"jit.py"} == {
        name for name, source in sources.items() if any(one in source for one in PRIVATE_MODULES)
    }
