"""Hostile documents are read in a child process: one costs two seconds, and not the service."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from recommender.errors import InvalidInput
from recommender.sources import child
from recommender.sources.frames import item_frame, item_of
from recommender.sources.records import MAX_RECORD_BYTES, Note, Record, UnreadableDocument
from recommender.sources.sandbox import Sandbox

READER = '''
"""A reader that does what the document says."""

import os, signal, sys, time
from recommender.sources.records import Note, Record, SIGN_OF_LIFE, UnreadableDocument

def read(document, times=1, text=""):
    order = document.read()
    for number in range(1, times + 1):
        yield Record(number, {"order": order.decode(), "text": text})
    if order == b"loop":
        while True:
            pass
    if order == b"regex":  # in C, where no Python signal handler would run
        import re
        re.match(b"(a*)*b", b"a" * 60)
    if order == b"busy":
        for _ in range(6):
            time.sleep(0.5)
            yield SIGN_OF_LIFE
        yield Note("done")
    if order == b"memory":
        bytes(2**30)
    if order == b"lists":
        kept = []
        while True:
            kept.append([kept] * 100_000)
    if order == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if order == b"recursion":
        def deeper(): return deeper()
        deeper()
    if order == b"refuse":
        raise UnreadableDocument("is not what it seems")
    if order == b"print":
        print("not a frame", flush=True)
        os.write(1, b"not a frame either")
    if order == b"surrogate":
        yield Record(7, {"text": "\\\\ud800"})
    if order == b"exit":
        sys.exit(1)
'''.replace("\\\\", "\\")


@pytest.fixture
def sandbox(tmp_path, monkeypatch) -> Iterator[Sandbox]:
    """With one reader more, called `obedient`."""
    package = tmp_path / "recommender_sources"
    package.mkdir()
    (package / "obedient.py").write_text(READER)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "sitecustomize.py").write_text(
        f"import recommender.sources\nrecommender.sources.__path__.append({str(package)!r})\n"
    )
    with Sandbox() as sandbox:
        yield sandbox


def read(sandbox: Sandbox, document: bytes | Path, **options: object) -> list[Record | Note]:
    return list(sandbox.read("obedient", document, **options))


def good(sandbox: Sandbox) -> bool:
    return [Record(1, {"order": "good", "text": ""})] == read(sandbox, b"good")


def test_a_document_is_read_from_bytes_and_from_a_file(sandbox, tmp_path):
    file = tmp_path / "document"
    file.write_bytes(b"from a file")

    assert [Record(1, {"order": "good", "text": "t"})] == read(sandbox, b"good", text="t")
    assert [Record(1, {"order": "from a file", "text": ""})] == read(sandbox, file)
    assert 1000 == len(read(sandbox, b"x" * 500_000, times=3)[0].data["order"]) // 500


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (b"loop", "takes longer than 2 seconds"),
        (b"regex", "takes longer than 2 seconds"),
        (b"memory", "needs more than 512 MB"),
        (b"lists", "needs more than 512 MB"),
        (b"crash", "makes its reader crash"),
        (b"recursion", "cannot be read: RecursionError"),
        (b"refuse", "is not what it seems"),
    ],
)
def test_what_came_before_the_fault_is_kept_and_the_next_document_is_read(sandbox, order, reason):
    records = []
    with pytest.raises(UnreadableDocument, match=reason):
        records.extend(sandbox.read("obedient", order, times=3))

    assert [1, 2, 3] == [record.line for record in records]
    assert good(sandbox)


def test_a_reader_that_gives_signs_of_life_has_all_the_time_it_needs(sandbox):
    *_, last = read(sandbox, b"busy")

    assert Note("done") == last


def test_time_that_nobody_asks_for_records_does_not_count(sandbox):
    records = sandbox.read("obedient", b"good", times=50_000)  # more than a pipe holds
    next(records)
    time.sleep(child.SECONDS + 0.5)

    assert 49_999 == sum(1 for _ in records)


def test_a_library_that_prints_does_not_write_among_the_answers(sandbox):
    assert 1 == len(read(sandbox, b"print"))
    assert good(sandbox)


def test_a_record_that_json_cannot_hold_is_refused_alone(sandbox):
    _, record = read(sandbox, b"surrogate")

    assert (7, True) == (record.line, isinstance(record.data, InvalidInput))


def test_a_document_that_is_left_in_the_middle_does_not_answer_for_the_next(sandbox):
    records = sandbox.read("obedient", b"left", times=100)
    next(records)
    records.close()

    assert good(sandbox)


def test_a_child_that_was_killed_is_replaced(sandbox):
    read(sandbox, b"good")
    [process] = [one._process for one in sandbox._children.values()]
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with pytest.raises(UnreadableDocument, match="has ended"):
        read(sandbox, b"good")

    assert good(sandbox)


def test_the_processes_end_with_the_sandbox(sandbox):
    read(sandbox, b"good")
    [process] = [one._process for one in sandbox._children.values()]
    sandbox.close()

    assert process.returncode is not None


@pytest.mark.parametrize(
    "item",
    [
        Record(3, {"a": [1, None, "é"]}),
        Record(1, InvalidInput.at("title", "expected a string")),
        Record(1, None),
        Note("34 × attachment"),
    ],
)
def test_frames_come_back_as_they_were_sent(item):
    back = item_of(orjson.loads(item_frame(item)[4:]))

    assert str(item) == str(back)


def test_a_record_of_more_than_its_share_is_refused():
    item = item_of(orjson.loads(item_frame(Record(5, "x" * 9 * MAX_RECORD_BYTES))[4:]))

    assert (5, "expected at most 2097152 bytes") == (item.line, str(item.data))
