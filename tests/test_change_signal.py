"""The change signal: every process of an install sees each send of another one."""

import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from recommender.storage.change_signal import ChangeSignal


def test_every_send_is_seen_by_every_reader(tmp_path: Path) -> None:
    sender = ChangeSignal(tmp_path / "signal")
    reader = ChangeSignal(tmp_path / "signal")
    seen = [reader.current()]
    for _ in range(100):
        sender.send()
        seen.append(reader.current())

    assert 101 == len({*seen})
    assert sender.current() == reader.current()


def test_the_signal_stays_as_it_is_until_the_next_send(tmp_path: Path) -> None:
    signal = ChangeSignal(tmp_path / "signal")

    assert 1 == len({signal.current() for _ in range(100)})


def test_only_a_removal_is_seen_as_one(tmp_path: Path) -> None:
    sender = ChangeSignal(tmp_path / "signal")
    reader = ChangeSignal(tmp_path / "signal")
    before = reader.last_removal()
    sender.send()
    after_a_change = reader.last_removal()
    sender.send(removal=True)

    assert before == after_a_change is not None
    assert reader.last_removal() != before


def _send(file: Path) -> None:
    signal = ChangeSignal(file)
    signal.send()
    signal.close()


def test_a_send_of_another_process_is_seen(tmp_path: Path) -> None:
    signal = ChangeSignal(tmp_path / "not" / "there" / "signal")
    before = signal.current()
    process = multiprocessing.get_context("spawn").Process(
        target=_send, args=(tmp_path / "not" / "there" / "signal",)
    )
    process.start()
    process.join()

    assert 0 == process.exitcode
    assert before != signal.current()


def test_only_its_owner_may_read_or_write_the_file(tmp_path: Path) -> None:
    ChangeSignal(tmp_path / "signal").close()

    assert 0o600 == (tmp_path / "signal").stat().st_mode & 0o777


def test_without_a_file_there_is_no_signal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    signal = ChangeSignal(tmp_path / "file" / "signal")
    signal.send()

    assert signal.current() is None
    signal.close()


def test_a_process_that_cannot_send_does_not_read_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = ChangeSignal(tmp_path / "signal")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    signal.send()

    assert signal.current() is None


@pytest.mark.parametrize("left", [0, 3])
def test_a_truncated_file_is_no_signal_until_the_next_send(tmp_path: Path, left: int) -> None:
    sender = ChangeSignal(tmp_path / "signal")
    reader = ChangeSignal(tmp_path / "signal")
    os.truncate(tmp_path / "signal", left)
    truncated = reader.current()
    sender.send()

    assert truncated is None
    assert sender.current() == reader.current() is not None


def test_a_closed_signal_is_none(tmp_path: Path) -> None:
    signal = ChangeSignal(tmp_path / "signal")
    signal.close()
    signal.close()
    signal.send()

    assert signal.current() is None
