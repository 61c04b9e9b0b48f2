"""Damaged files of the embedded server, each damage made on the files of a real one."""

import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from news import article
from servers import PATIENT_SECONDS, parent_folder
from test_embedded import end

from api.cli.main import main
from features.analysis import analyse
from recommender.backend import Backend
from recommender.config import Settings
from recommender.storage.embedded import EmbeddedServerError, lease
from recommender.storage.repair import examine

ARTICLES = 40
Damage = Callable[[Path], None]


def settings_of(folder: Path) -> Settings:
    return Settings(data_dir=folder, store_timeout_seconds=PATIENT_SECONDS)


@contextmanager
def opened(folder: Path) -> Iterator[Backend]:
    with Backend(settings_of(folder)) as backend:
        yield backend


def write(backend: Backend, first: int, last: int) -> None:
    """Store articles one by one, as a CMS does."""
    for number in range(first, last):
        fields = article(
            f"story-{number:03}", title=f"Bridge number {number} repaired", body="x" * 50
        )
        backend.store.put("main", [analyse(fields)])


def rewrite(backend: Backend) -> None:
    with backend.connection.using("batch") as client:
        client.bgrewriteaof()
        while client.info("persistence")["aof_rewrite_in_progress"]:
            pass


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder with a short path, in which nothing runs any more when the test is over."""
    with tempfile.TemporaryDirectory(prefix="also", dir=parent_folder()) as folder:
        path = Path(folder).resolve() / "var"
        yield path
        for name in ("keeper.lock", "valkey.pid", "cache.pid"):
            end(path / name)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of two stopped installs: `fresh`, and `dumped`, of which half is in a dump."""
    folders = {}
    for name in ("fresh", "dumped"):
        folder = tmp_path_factory.mktemp(name) / "var"
        with opened(folder) as backend:
            write(backend, 0, ARTICLES // 2)
            if name == "dumped":
                rewrite(backend)
            write(backend, ARTICLES // 2, ARTICLES)
        folders[name] = folder / "appendonlydir"
    return folders


def install(archive: Path, folder: Path, damage: Damage | None = None) -> Path:
    files = folder / "appendonlydir"
    folder.mkdir(mode=0o700)
    shutil.copytree(archive, files)
    if damage is not None:
        damage(files)
    return files


def stories(folder: Path) -> list[str]:
    """The ids of what the archive has, in the order of their numbers."""
    with opened(folder) as backend:
        return sorted(fields["id"] for fields in backend.store.all_articles("main"))


def first_stories(count: int) -> list[str]:
    return [f"story-{number:03}" for number in range(count)]


def run(folder: Path, *words: str) -> Result:
    environment = settings_of(folder).environment()
    return CliRunner().invoke(main, words, env=environment, catch_exceptions=False)


# What can happen to files


def increment(files: Path) -> Path:
    return max(files.glob("*.incr.aof"))


def base(files: Path) -> Path:
    return max(files.glob("*.base.rdb"))


def manifest(files: Path) -> Path:
    return files / "appendonly.aof.manifest"


def replaced(old: bytes, new: bytes, nth: int = 0) -> Damage:
    """In the increment, the *nth* of these bytes after the middle is another."""

    def damage(files: Path) -> None:
        path = increment(files)
        content = path.read_bytes()
        place = content.index(old, len(content) // 2)
        for _ in range(nth):
            place = content.index(old, place + 1)
        path.write_bytes(content[:place] + new + content[place + len(old) :])

    return damage


def zero_tail(files: Path) -> None:
    with increment(files).open("ab") as file:
        file.write(bytes(4096))


def no_manifest(files: Path) -> None:
    manifest(files).unlink()


def manifest_cut_in_a_line(files: Path) -> None:
    manifest(files).write_bytes(manifest(files).read_bytes()[:-12])


def manifest_cut_between_lines(files: Path) -> None:
    manifest(files).write_bytes(manifest(files).read_bytes().splitlines(keepends=True)[0])


def manifest_of_zeros(files: Path) -> None:
    manifest(files).write_bytes(bytes(manifest(files).stat().st_size))


def empty_manifest(files: Path) -> None:
    manifest(files).write_bytes(b"")


HARMLESS: dict[str, Damage] = {
    "zero tail": zero_tail,
    "no manifest": no_manifest,
    "manifest cut in a line": manifest_cut_in_a_line,
    "manifest cut between lines": manifest_cut_between_lines,
    "manifest of zeros": manifest_of_zeros,
    "empty manifest": empty_manifest,
}
IN_THE_MIDDLE: dict[str, Damage] = {
    "a length too short": replaced(b"\r\n$4\r\nEXEC", b"\r\n$3\r\nEXEC"),
    "a length too long": replaced(b"\r\n$4\r\nHSET", b"\r\n$9\r\nHSET"),
    "a length beyond the end": replaced(b"\r\n$4\r\nHSET", b"\r\n$9999999\r\nHSET"),
    "an unknown command": replaced(b"HSET", b"HSEU"),
    "too few words": replaced(b"*3\r\n$3\r\nSET", b"*2\r\n$3\r\nSET"),
    "a transaction without an end": replaced(b"EXEC", b"EXED"),
    "a flipped byte between commands": replaced(b"*1\r\n$5\r\nMULTI", b"\xaa1\r\n$5\r\nMULTI"),
    "zeros": replaced(b"\r\n*1\r\n$4\r\nEXEC", bytes(14)),
}


def rest_in_chaos(names: Iterable[str], quick: Collection[str]) -> list[Any]:
    """Each start of a server takes a while: `make test` tries the *quick* ones."""
    marks = {name: () if name in quick else pytest.mark.chaos for name in names}
    return [pytest.param(name, marks=mark, id=name) for name, mark in marks.items()]


@pytest.mark.parametrize("name", rest_in_chaos(HARMLESS, {"zero tail", "no manifest"}))
@pytest.mark.parametrize("archive", rest_in_chaos(["fresh", "dumped"], {"dumped"}))
def test_all_articles_are_restored_where_no_command_is_damaged(
    archives: dict[str, Path],
    data_dir: Path,
    archive: str,
    name: str,
) -> None:
    install(archives[archive], data_dir, HARMLESS[name])

    with pytest.raises(EmbeddedServerError, match="alsosee repair"):
        lease(data_dir)
    repaired = run(data_dir, "repair")
    assert (repaired.exit_code, stories(data_dir)) == (0, first_stories(ARTICLES)), repaired.output
    assert f"main: {ARTICLES} articles, version {ARTICLES}" in repaired.output


@pytest.mark.parametrize("name", rest_in_chaos(IN_THE_MIDDLE, {"a length beyond the end"}))
def test_what_comes_before_the_damage_is_restored(
    archives: dict[str, Path],
    data_dir: Path,
    name: str,
) -> None:
    files = install(archives["fresh"], data_dir, IN_THE_MIDDLE[name])
    before = increment(files).read_bytes()

    with pytest.raises(EmbeddedServerError, match="alsosee repair"):
        lease(data_dir)
    assert increment(files).read_bytes() == before  # the attempt to start has cut nothing off
    repaired = run(data_dir, "repair")
    restored = stories(data_dir)
    assert repaired.exit_code == 0, repaired.output
    assert ARTICLES // 2 - 2 <= len(restored) < ARTICLES
    assert restored == first_stories(len(restored))
    [kept] = data_dir.glob("damaged-*/*.incr.aof")
    assert kept.read_bytes() == before


def test_what_is_lost_is_named(archives: dict[str, Path], data_dir: Path) -> None:
    install(archives["fresh"], data_dir, IN_THE_MIDDLE["an unknown command"])
    repaired = run(data_dir, "repair")
    restored = stories(data_dir)
    [listed] = data_dir.glob("damaged-*/lost.txt")
    lost = [line.split("\t")[-1] for line in listed.read_text().splitlines()]

    assert restored + lost == first_stories(ARTICLES)
    assert re.search(
        r"Lost: +[0-9,]+ bytes with [0-9,]+ readable commands, written", repaired.output
    )
    assert f"main: put {lost[0]}" in repaired.output


def test_articles_are_lost_with_a_missing_increment(
    archives: dict[str, Path],
    data_dir: Path,
) -> None:
    install(archives["dumped"], data_dir, lambda files: increment(files).unlink())

    with pytest.raises(EmbeddedServerError, match=r"incr.aof is missing(.|\n)*alsosee repair"):
        lease(data_dir)
    repaired = run(data_dir, "repair")
    assert "incr.aof is missing" in repaired.output
    assert stories(data_dir) == first_stories(ARTICLES // 2)


def cut_base(share: float) -> Damage:
    def damage(files: Path) -> None:
        content = base(files).read_bytes()
        base(files).write_bytes(content[: int(len(content) * share)])

    return damage


def flipped_base(place: float) -> Damage:
    def damage(files: Path) -> None:
        content = bytearray(base(files).read_bytes())
        content[int(len(content) * place)] ^= 0x40
        base(files).write_bytes(content)

    return damage


def zeroed_base(files: Path) -> None:
    base(files).write_bytes(bytes(base(files).stat().st_size))


DUMPS: dict[str, Damage] = {
    "cut at 90 %": cut_base(0.9),
    "cut in half": cut_base(0.5),
    "cut at 10 %": cut_base(0.1),
    "a flip at 30 %": flipped_base(0.3),
    "a flip in the middle": flipped_base(0.5),
    "a flip at 70 %": flipped_base(0.7),
    "empty": cut_base(0),
    "missing": lambda files: base(files).unlink(),
    "zeros": zeroed_base,
}


@pytest.mark.parametrize("name", rest_in_chaos(DUMPS, {"a flip in the middle", "missing"}))
def test_a_damaged_dump_costs_only_what_stood_in_it(
    archives: dict[str, Path], data_dir: Path, name: str
) -> None:
    install(archives["dumped"], data_dir, DUMPS[name])

    with pytest.raises(EmbeddedServerError, match="alsosee repair"):
        lease(data_dir)
    repaired = run(data_dir, "repair")
    restored = stories(data_dir)
    assert repaired.exit_code == 0, repaired.output
    assert {*first_stories(ARTICLES)[ARTICLES // 2 :]} <= {*restored}


def test_an_article_that_is_left_in_a_cut_dump_is_in_lists_again(
    archives: dict[str, Path], data_dir: Path
) -> None:
    files = install(archives["dumped"], data_dir, cut_base(0.5))
    whole_texts = re.findall(rb'"body":"x+"[^}]*}', base(files).read_bytes())
    run(data_dir, "repair")
    restored = stories(data_dir)
    with opened(data_dir) as backend:
        listed = {name for batch in backend.store.all_stored("main") for name in batch}

    assert len(restored) >= ARTICLES // 2 + len(whole_texts) > ARTICLES // 2
    assert {*restored} <= listed


def test_every_place_of_a_cut_is_repaired(
    archives: dict[str, Path],
    data_dir: Path,
) -> None:
    files = install(archives["fresh"], data_dir)
    content = increment(files).read_bytes()
    lengths = []
    for cut in range(0, len(content), len(content) // 12):
        increment(files).write_bytes(content[:cut] + b"\0" * 100)
        lengths.append(examine(data_dir).increments[0].length)

    assert lengths == sorted(lengths)
    assert all(content[:length].endswith(b"EXEC\r\n") for length in lengths if length)


def test_a_cut_tail_needs_no_repair(archives: dict[str, Path], data_dir: Path) -> None:
    files = install(archives["fresh"], data_dir)
    content = increment(files).read_bytes()
    increment(files).write_bytes(content[:-30])

    assert stories(data_dir) == first_stories(ARTICLES - 1)


def test_doctor_says_the_same(archives: dict[str, Path], data_dir: Path) -> None:
    install(archives["fresh"], data_dir, IN_THE_MIDDLE["an unknown command"])
    doctor = run(data_dir, "doctor")
    repaired = run(data_dir, "repair")
    [damage] = re.findall(r"Damaged: (.*)\.", repaired.output)
    [loss] = re.findall(r"Lost: +(.*)\.", repaired.output)

    assert doctor.exit_code == 1
    assert damage in doctor.output and loss in doctor.output
    assert "alsosee repair" in doctor.output


def test_serve_names_the_command(archives: dict[str, Path], data_dir: Path) -> None:
    install(archives["fresh"], data_dir, no_manifest)
    served = run(data_dir, "serve", "--port", "1")

    assert served.exit_code == 1
    assert "alsosee repair" in served.output
    assert "valkey-check-aof" not in served.output


LIVE: dict[str, Damage] = {
    "an unknown command": replaced(b"HSET", b"HSEU"),
    "a flip in the dump": flipped_base(0.5),
    "no manifest": no_manifest,
}


@pytest.mark.parametrize("name", LIVE)
def test_a_running_server_writes_damaged_files_anew(
    archives: dict[str, Path], data_dir: Path, name: str
) -> None:
    files = install(archives["dumped"], data_dir)
    with opened(data_dir) as backend:
        LIVE[name](files)
        doctor = run(data_dir, "doctor")
        repaired = run(data_dir, "repair")
        write(backend, ARTICLES, ARTICLES + 1)
    [damage] = re.findall(r"Damaged: (.*)\.", repaired.output)

    assert (doctor.exit_code, damage in doctor.output) == (1, True)
    assert (repaired.exit_code, "Lost:    nothing" in repaired.output) == (0, True)
    assert stories(data_dir) == first_stories(ARTICLES + 1)
    assert len(list(data_dir.glob("damaged-*"))) == 1


def test_the_undamaged_files_of_a_running_server_are_left_alone(
    archives: dict[str, Path], data_dir: Path
) -> None:
    install(archives["dumped"], data_dir)
    with opened(data_dir):
        repaired = run(data_dir, "repair")

    assert "no file of its archive is damaged" in repaired.output
    assert [] == list(data_dir.glob("damaged-*"))


def test_an_undamaged_archive_is_left_alone(
    archives: dict[str, Path],
    data_dir: Path,
) -> None:
    install(archives["dumped"], data_dir)
    repaired = run(data_dir, "repair")

    assert "No file of the archive is damaged" in repaired.output
    assert [] == list(data_dir.glob("damaged-*"))


def test_a_server_of_one_s_own_is_not_ours_to_repair(data_dir: Path) -> None:
    environment: dict[str, Any] = {"ALSOSEE_REDIS_URL": "redis://127.0.0.1:1/0"}
    refused = CliRunner().invoke(main, ["repair"], env=environment)

    assert (refused.exit_code, "valkey-check-aof" in refused.output) == (1, True)
