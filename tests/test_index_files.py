"""Index files: whole or not at all, by one builder at a time, deleted when nothing uses them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import CorruptRecord
from recommender.index.arrays import map_arrays, write_arrays
from recommender.index.files import IndexFiles

ARRAYS = {
    "numbers": np.arange(1000, dtype=np.int64),
    "pairs": np.ones((7, 2), np.float32),
    "none": np.empty(0, np.uint8),
}
ABOUT = {"version": 7, "at": "now"}


@pytest.fixture
def files(tmp_path) -> IndexFiles:
    return IndexFiles(tmp_path / "index" / "main")


def publish(files: IndexFiles, **about: object) -> int:
    with files.building():
        return files.publish(ARRAYS, ABOUT | about)


def names(files: IndexFiles) -> list[str]:
    return sorted(path.name for path in files.folder.glob("*.*") if path.suffix != ".lock")


def test_mapped_arrays_are_those_that_were_written(files):
    publish(files)
    opened = files.newest()

    assert opened is not None
    assert (1, ABOUT) == (opened.number, opened.about)
    assert ARRAYS.keys() == opened.arrays.keys()
    for name, array in ARRAYS.items():
        assert (array.dtype, array.shape) == (opened.arrays[name].dtype, opened.arrays[name].shape)
        assert np.array_equal(array, opened.arrays[name])


def test_arrays_of_a_file_cannot_be_changed(files):
    publish(files)

    with pytest.raises(ValueError, match="read-only"):
        files.newest().arrays["numbers"][0] = 1


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("files") / "sound"
    with path.open("wb") as file:
        write_arrays(file, ARRAYS, ABOUT)
    return path.read_bytes()


def mapped(folder: Path, content: bytes) -> bool:
    """Whether a file with this content counts as sound."""
    path = folder / "damaged"
    path.write_bytes(content)
    with path.open("rb") as file:
        try:
            map_arrays(file)
        except CorruptRecord:
            return False
    return True


@given(st.data())
def test_a_flipped_bit_is_noticed_everywhere_but_in_padding(tmp_path_factory, sound, data):
    place = data.draw(st.integers(0, len(sound) - 1))
    damaged = bytearray(sound)
    damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    folder = tmp_path_factory.getbasetemp()

    assert mapped(folder, bytes(damaged)) == is_padding(sound, place)


def is_padding(sound: bytes, place: int) -> bool:
    header = 16 + int.from_bytes(sound[8:12], "little")
    start = -(-header // 64) * 64
    used = [(0, header), (start, start + 8000), (start + 8000, start + 8056)]
    return not any(first <= place < end for first, end in used)


@given(st.data())
def test_a_truncated_file_is_noticed(tmp_path_factory, sound, data):
    size = data.draw(st.integers(0, len(sound) - 1))

    assert not mapped(tmp_path_factory.getbasetemp(), sound[:size])


def test_a_damaged_file_is_deleted_and_the_previous_one_used(files):
    publish(files, version=1)
    old = files.newest()
    publish(files, version=2)
    newer = files.folder / "2.index"
    newer.write_bytes(newer.read_bytes()[:-1])
    opened = files.newest()

    assert (1, ["1.index"]) == (opened.number, names(files))
    assert old is not None


def test_a_file_that_cannot_be_opened_is_skipped_and_the_previous_one_used(files, logged):
    publish(files)
    (files.folder / "9.index").mkdir()
    opened = files.newest()

    assert 1 == opened.number
    assert "index file cannot be used" in logged()
    assert 10 == publish(files)
    assert 10 == files.newest().number


def test_a_file_is_distinguished_from_an_earlier_one_of_its_number(files):
    publish(files)
    first = files.latest()
    (files.folder / "1.index").unlink()
    none = files.latest()
    publish(files)

    assert [1, 0, 1] == [first[0], none[0], files.latest()[0]]
    assert 3 == len({first, none, files.latest()})


def test_old_files_are_deleted_when_nothing_uses_them(files):
    publish(files)
    used = files.newest()
    publish(files)
    publish(files)
    before = names(files)
    del used
    files.delete_unused()

    assert (["1.index", "3.index"], ["3.index"]) == (before, names(files))


def test_an_array_outlives_its_file(files):
    publish(files)
    numbers = files.newest().arrays["numbers"]
    (files.folder / "1.index").unlink()

    assert 999 == numbers[-1]


def test_unfinished_files_of_killed_builders_are_deleted(files):
    publish(files)
    (files.folder / "tmpabc.new").write_bytes(b"half a file")
    publish(files)

    assert ["2.index"] == names(files)


def test_two_builders_cannot_publish_the_same_number(files, monkeypatch):
    """Not even if the lock file was deleted."""
    publish(files)
    monkeypatch.setattr(IndexFiles, "latest_number", lambda _: 0)

    with pytest.raises(FileExistsError):
        publish(files)
    assert ["1.index"] == names(files)


def test_the_lock_of_a_killed_builder_is_released(files):
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from recommender.index.files import IndexFiles\n"
        f"with IndexFiles(Path({str(files.folder)!r})).building():\n"
        "    print('building', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as other:
        other.stdout.readline()
        before = files.is_building()
        other.kill()
        other.wait()

    assert (True, False) == (before, files.is_building())


def test_without_a_folder_there_are_no_files(files):
    assert (None, 0, False) == (files.newest(), files.latest_number(), files.is_building())


def test_a_folder_that_cannot_be_written_is_an_error_in_words(tmp_path):
    (tmp_path / "index").write_text("a file where the folder should be")

    with pytest.raises(OSError, match="index"):
        publish(IndexFiles(tmp_path / "index" / "main"))
