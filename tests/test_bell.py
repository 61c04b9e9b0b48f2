"""The bell: what one process of an install rings, every other one hears."""

import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from recommender.storage.change_signal import ChangeSignal


def test_everybody_hears_every_ring(tmp_path: Path) -> None:
    ringer, listener = ChangeSignal(tmp_path / "bell"), ChangeSignal(tmp_path / "bell")
    heard = [listener.sound()]
    for _ in range(100):
        ringer.ring()
        heard.append(listener.sound())

    assert 101 == len({*heard})
    assert ringer.sound() == listener.sound()


def test_a_bell_that_nobody_rings_stays_as_it_is(tmp_path: Path) -> None:
    bell = ChangeSignal(tmp_path / "bell")

    assert 1 == len({bell.sound() for _ in range(100)})


def _ring(file: Path) -> None:
    bell = ChangeSignal(file)
    bell.ring()
    bell.close()


def test_another_process_is_heard(tmp_path: Path) -> None:
    bell = ChangeSignal(tmp_path / "not" / "there" / "bell")
    before = bell.sound()
    process = multiprocessing.get_context("spawn").Process(
        target=_ring, args=(tmp_path / "not" / "there" / "bell",)
    )
    process.start()
    process.join()

    assert 0 == process.exitcode
    assert before != bell.sound()


def test_only_its_owner_may_touch_it(tmp_path: Path) -> None:
    ChangeSignal(tmp_path / "bell").close()

    assert 0o600 == (tmp_path / "bell").stat().st_mode & 0o777


def test_where_there_can_be_no_file_nobody_hears_anything(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    bell = ChangeSignal(tmp_path / "file" / "bell")
    bell.ring()

    assert bell.sound() is None
    bell.close()


def test_whoever_cannot_ring_any_more_does_not_listen_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell = ChangeSignal(tmp_path / "bell")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    bell.ring()

    assert bell.sound() is None


@pytest.mark.parametrize("left", [0, 3])
def test_a_bell_whose_file_was_cut_is_silent_until_it_is_rung(tmp_path: Path, left: int) -> None:
    ringer, listener = ChangeSignal(tmp_path / "bell"), ChangeSignal(tmp_path / "bell")
    os.truncate(tmp_path / "bell", left)
    cut = listener.sound()
    ringer.ring()

    assert cut is None
    assert ringer.sound() == listener.sound() is not None


def test_a_closed_bell_is_silent(tmp_path: Path) -> None:
    bell = ChangeSignal(tmp_path / "bell")
    bell.close()
    bell.close()
    bell.ring()

    assert bell.sound() is None
