"""Hostile files of every format: what is right in them is read, and a line names the rest."""

import gzip
import io
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

import pytest
from hostile import FOLDERS, GIVEN_UP, Case, Folder, line

from features.article import Article, read_article
from recommender.errors import InvalidInput
from recommender.sources.documents import Document
from recommender.sources.files import ArticleFile, UnreadableFile
from recommender.sources.records import Record


class Outcome(NamedTuple):
    """What came of one document."""

    ids: tuple[str, ...]
    problems: list[str]
    bodies: list[str]


def article_of(record: Record) -> Article:
    if isinstance(record.data, InvalidInput):
        raise record.data
    return read_article(record.data).article


def read(file: ArticleFile, document: Document) -> Outcome:
    ids: list[str] = []
    problems: list[str] = []
    bodies: list[str] = []
    try:
        for record in file.read(document):
            try:
                article = article_of(record)
            except InvalidInput as error:
                problems.append(str(error))
            else:
                ids.append(article.id)
                bodies.append(article.body)
    except UnreadableFile as error:
        problems.append(str(error))
    return Outcome(tuple(ids), [*problems, *document.notes], bodies)


def read_all(folder: Path) -> dict[str, Outcome]:
    """By the names of the files in *folder*, also of those that nothing reads."""
    names = [path.name for path in folder.iterdir()]
    outcomes = {name: Outcome((), [], []) for name in names}
    with ArticleFile(str(folder)) as file:
        for document in file.documents():
            name = Path(document.name).relative_to(folder).parts[0]
            before = outcomes[name]
            after = read(file, document)
            outcomes[name] = Outcome(*(a + b for a, b in zip(before, after, strict=True)))
    for name, outcome in outcomes.items():
        if not outcome.ids and not outcome.problems:
            with ArticleFile(str(folder / name)) as file:
                outcome.problems.append(file.describe())
                outcome.problems.extend(p for d in file.documents() for p in read(file, d).problems)
    return outcomes


def is_as_expected(case: Case, outcome: Outcome) -> bool:
    if case.is_heavy and any(re.search(GIVEN_UP, problem) for problem in outcome.problems):
        return True
    named = [problem for problem in outcome.problems if re.search(case.problem, problem)]
    return case.ids == outcome.ids and bool(named if case.problem else not outcome.problems)


def write(folder: Path, hostile: Folder, *, heavy: bool) -> dict[str, Case]:
    """Write the cases of a folder, and a harmless file that comes after them."""
    cases = {name: case for name, case in hostile.cases.items() if case.is_heavy == heavy}
    folder.mkdir()
    for name, case in cases.items():
        (folder / name).write_bytes(case.content)
    suffix = ".md" if hostile.good_id.endswith(".md") else ""
    (folder / f"z-good{suffix}").write_bytes(hostile.good)
    return cases


def check(folder: Path, hostile: Folder, *, heavy: bool) -> None:
    cases = write(folder, hostile, heavy=heavy)
    outcomes = read_all(folder)
    good = next(outcomes.pop(name) for name in list(outcomes) if name.startswith("z-good"))
    wrong = {
        name: outcomes[name][:2]
        for name, case in cases.items()
        if not is_as_expected(case, outcomes[name])
    }

    assert {} == wrong
    assert 1 == len(good.ids)
    # No entity was expanded, and no file of this machine was read.
    texts = "".join(body for outcome in outcomes.values() for body in outcome.bodies)
    assert "root:" not in texts and len(texts) < 10_000_000


@pytest.mark.parametrize("form", FOLDERS)
def test_the_hostile_files_of_a_format_are_named_and_stop_no_other(
    form: str, tmp_path: Path
) -> None:
    check(tmp_path / "hostile", FOLDERS[form](), heavy=False)


def test_a_hostile_folder_is_read_to_its_end(tmp_path: Path) -> None:
    """Links out of it and in circles, pipes that nobody writes to, odd names, many levels."""
    folder = tmp_path / "folder"
    deep = folder.joinpath(*["d"] * 200)
    deep.mkdir(parents=True)
    (deep / "a.jsonl").write_bytes(line("deep"))
    outside = tmp_path / "outside.jsonl"
    outside.write_bytes(line("outside"))
    (folder / "link").symlink_to(outside)
    (folder / "circle").symlink_to(folder)
    (folder / "nowhere").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe")
    (folder / "two\nlines \u202e.jsonl").write_bytes(line("odd"))
    (folder / ".hidden").write_bytes(line("hidden"))
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "folder.jsonl").mkdir()
    (folder / "folder.jsonl/up").symlink_to(folder)
    with ArticleFile(str(folder)) as file:
        outcomes = [read(file, document) for document in file.documents()]

    assert {"deep", "odd"} == {name for outcome in outcomes for name in outcome.ids}
    assert [] == [problem for outcome in outcomes for problem in outcome.problems]


COMMAS = 315_000_000
MEASURING = """
import os, sys
from pathlib import Path
from recommender.sources.files import ArticleFile, UnreadableFile

def peak_mb():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024

def read(path):
    try:
        with ArticleFile(str(path)) as file:
            file.describe()
            return sum(1 for _ in file.records()), ""
    except UnreadableFile as error:
        return 0, str(error)

good, *bombs = sorted(Path(sys.argv[1]).iterdir())
read(good)
before = peak_mb()
for bomb in bombs:
    print(bomb.name, *read(bomb), flush=True)
print(peak_mb() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc of Linux")
def test_a_small_file_of_very_many_commas_takes_no_memory(tmp_path: Path) -> None:
    """306 kB of gzip: it took 5.2 GB before. The beginning decides which reader has the rest."""
    beginnings = {
        "1 nothing": b"",
        "2 row": b"id,title\n",
        "3 quoted cell": b'id,title\n1,"',
        "4 array": b"[",
        "5 string": b'{"id": "1", "title": "x", "body": "',
        "6 object": b'{"items": [{"id": "',
        "7 post": b"---\ntitle: x\n---\n",
        "8 page": b"<!doctype html><html><body><p>",
        "9 feed": b'<rss version="2.0"><channel><item><title>',
    }
    (tmp_path / "0 good").write_bytes(line("good"))
    packer = zlib.compressobj(9, wbits=31)
    commas = b"".join(packer.compress(b"," * 1_000_000) for _ in range(COMMAS // 1_000_000))
    commas += packer.flush()
    for name, beginning in beginnings.items():
        (tmp_path / name).write_bytes(gzip.compress(beginning) + commas)
    printed = subprocess.run(
        [sys.executable, "-c", MEASURING, tmp_path], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    *outcomes, growth = printed

    assert 300_000 < len(commas) < 310_000
    assert len(beginnings) == len(outcomes)
    assert [] == [outcome for outcome in outcomes if ": " not in outcome]  # each is named
    assert int(growth) <= 64


STDIN = {
    "nothing": Case(b""),
    "binary": Case(b"\x7fELF" + bytes(5000), (), "binary file"),
    "cut": Case(line("1") + b"\n" + line("2")[:-5], ("1",), "not readable as JSON"),
    "cut array": Case(b"[" + line("1") + b"," + line("2")[:-5], ("1",), "middle of record 2"),
    "cut zip": Case(b"PK\3\4" + bytes(500), (), "damaged"),
    "page of an error": Case(
        b"<html><body><h1>502 Bad Gateway</h1></body></html>", (), "id: Field"
    ),
    "message of a shell": Case(b"zcat: old.json.gz: No such file or directory\n", (), "columns"),
}


@pytest.mark.parametrize("name", STDIN)
def test_a_hostile_standard_input_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = STDIN[name]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(case.content)))
    with ArticleFile("-") as file:
        outcomes = [read(file, document) for document in file.documents()]

    ids = tuple(name for outcome in outcomes for name in outcome.ids)
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    assert is_as_expected(case, Outcome(ids, problems, []))
