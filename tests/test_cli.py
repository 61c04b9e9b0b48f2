"""The command line: its output, its effects and its exit status."""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
import redis
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from news import STORIES, article
from werkzeug.datastructures import MultiDict

from api.cli import import_
from api.cli.keys import keys
from api.cli.main import COMMANDS, main
from recommender.backend import Backend
from recommender.index import jit as compiled
from recommender.storage.access import SCOPES
from recommender.storage.clock import StoreClock
from recommender.storage.events import MAX_FIELDS

ROOT = Path(__file__).parents[1]
Run = Callable[..., Result]


@pytest.fixture
def run(redis_url: str, raw_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run `alsosee` in this process, on the emptied store; standard input as `input=`."""
    monkeypatch.setenv("ALSOSEE_REDIS_URL", redis_url)
    monkeypatch.setenv("ALSOSEE_SITES", "main,sport")
    monkeypatch.setattr(import_, "REPORT_SECONDS", 3600)  # or a slow machine would print progress
    environment = dict(os.environ)

    def run_command(*arguments: object, **options: Any) -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments], **options)

    yield run_command
    os.environ.clear()
    os.environ.update(environment)  # options become variables, see `_settings`


def alsosee(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "api.cli.main", *map(str, arguments)]


def real_process(*arguments: object, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        alsosee(*arguments),
        env=os.environ | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def json_lines(path: Path, articles: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(fields) + "\n" for fields in articles))
    return path


@pytest.fixture
def stories(tmp_path: Path) -> Path:
    return json_lines(tmp_path / "stories.jsonl", [article(story) for story in STORIES])


def counts(result: Result) -> str:
    return result.stdout.partition(" in ")[0]


# --- help, usage and errors


def modules_loaded_by(*arguments: str) -> set[str]:
    """The modules that a process has imported after running `alsosee` with these arguments."""
    code = (
        "import sys; from api.cli.main import main;"
        "main(standalone_mode=False);"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *arguments]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(process.stderr.splitlines())


def test_the_list_of_commands_imports_no_command_and_no_library_but_click() -> None:
    loaded = modules_loaded_by("--help")
    ours = {name for name in loaded if name.split(".")[0] in ("api", "recommender", "features")}

    assert ours == {"api", "api.cli", "api.cli.main"}
    assert loaded.isdisjoint({"numpy", "pydantic", "redis", "flask", "structlog", "orjson"})
    assert "click" in loaded


def test_a_command_imports_no_other_command() -> None:
    loaded = modules_loaded_by("keys", "--help")
    commands = {f"api.cli.{'import_' if name == 'import' else name}" for name in COMMANDS}

    assert commands & loaded == {"api.cli.keys"}
    assert loaded.isdisjoint({"flask", "recommender.evaluation", "sklearn"})


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_begins_with_its_line_in_the_list(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    command = main.get_command(click.Context(main), name)

    assert result.exit_code == 0
    assert command is not None
    assert str(command.help).partition("\n\n")[0] == COMMANDS[name]


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["imprt"])

    assert result.exit_code == 2
    assert "No such command 'imprt'" in result.stderr


def test_a_wrong_option_is_a_usage_error(run: Run) -> None:
    assert run("serve", "--port", "0").exit_code == 2
    assert run("import").exit_code == 2
    assert run("related").exit_code == 2
    assert run("related", "kursk", "--limit", "1000").exit_code == 2


def test_an_unknown_variable_stops_every_command_with_its_name() -> None:
    result = real_process("keys", "list", ALSOSEE_REDIS_ULR="redis://localhost")

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "Error: unknown setting: ALSOSEE_REDIS_ULR (docs/server-settings.md lists them all)\n"
    )


def test_an_unreachable_store_is_reported_in_one_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALSOSEE_REDIS_URL", "unix:///nowhere/valkey.sock")
    result = run("keys", "list")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the store does not answer")
    assert result.stderr.count("\n") == 1


def test_the_demo_does_not_write_to_a_store_of_the_user(run: Run, backend: Backend) -> None:
    result = run("demo")

    assert result.exit_code == 1
    assert "unset ALSOSEE_REDIS_URL" in result.stderr
    assert backend.store.change_log.version("main") == 0


def test_an_unknown_site_is_an_error_that_names_the_known_sites(run: Run, stories: Path) -> None:
    result = run("import", stories, "--site", "sprot")

    assert result.exit_code == 1
    assert result.stderr == "Error: no site 'sprot' here; ALSOSEE_SITES has main, sport\n"


# --- import and export


def test_importing_the_same_file_twice_changes_nothing(run: Run, stories: Path) -> None:
    assert counts(run("import", stories)) == "5 added, 0 changed, 0 unchanged, 0 rejected"
    assert counts(run("import", stories)) == "0 added, 0 changed, 5 unchanged, 0 rejected"


def test_articles_are_imported_into_the_named_site(
    run: Run, stories: Path, backend: Backend
) -> None:
    run("import", stories, "--site", "sport")

    assert backend.store.article("sport", "kursk")
    assert backend.store.article("main", "kursk") is None


def test_jsonl_gzip_csv_and_standard_input_give_the_same_articles(
    run: Run, stories: Path, tmp_path: Path
) -> None:
    zipped = tmp_path / "stories.gz"
    zipped.write_bytes(gzip.compress(stories.read_bytes()))
    table = tmp_path / "stories.csv"
    with table.open("w", newline="") as file:
        rows = [json.loads(line) for line in stories.read_text().splitlines()]
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)

    run("import", stories)

    again = [
        run("import", zipped),
        run("import", table),
        run("import", "-", input=stories.read_bytes()),
    ]
    assert {counts(result) for result in again} == {"0 added, 0 changed, 5 unchanged, 0 rejected"}


def mostly_good(folder: Path, count: int) -> Path:
    """A file of *count* lines, of which 37 are bad, evenly spread: every kind of bad in turn."""
    bad = [
        "not json",
        '{"id": "x"}',
        '{"id": "", "title": "t"}',
        '{"id": "x", "title": "t", "version": "yesterday"}',
        "[1]",
    ]
    lines = [json.dumps({"id": n, "title": f"Story {n}"}) for n in range(count)]
    for n in range(37):
        lines[n * (count // 37)] = bad[n % len(bad)]
    path = folder / "mostly.jsonl"
    path.write_text("\n".join(lines))
    return path


def test_of_10000_lines_37_bad_ones_stop_no_other(run: Run, tmp_path: Path) -> None:
    path = mostly_good(tmp_path, 10_000)
    result = run("import", path)
    described, *lines = result.stderr.splitlines()

    assert result.exit_code == 0
    assert described == f"{path}: JSON Lines"
    assert counts(result) == "9,963 added, 0 changed, 0 unchanged, 37 rejected"
    assert lines[0].startswith(f"{path}:1: not readable as JSON: ")
    assert lines[1] == f"{path}:271: title: Field required"
    assert lines[3] == f"{path}:811: version: Input should be a valid integer"
    assert lines[20:] == [
        "… and 17 more",
        "0 of 9,963 have: text, address, date, section, tags, authors, picture",
    ]


def test_optional_fields_that_are_left_out_are_counted_by_field(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "stories.jsonl"
    dates = ["2025-03-13", "yesterday", "13 March 2025 at 7 BANANA", "2025-03-14"]
    stories = [{"id": n, "title": f"Story {n}", "date": date} for n, date in enumerate(dates)]
    stories.append({"id": 9, "title": "Story 9", "url": "/9", "image": 7})
    path.write_text("\n".join(map(json.dumps, stories)))
    result = run("import", path)

    assert 0 == result.exit_code
    assert "5 added, 0 changed, 0 unchanged, 0 rejected" == counts(result)
    assert [
        f"{path}:2: date: left out of 2 articles: expected a date, such as 2025-03-13T07:12:44Z",
        f"{path}:5: image: left out of 1 article: expected an address, or an object with a url",
        f"{path}:5: url: left out of 1 article: expected an absolute http or https URL",
    ] == [line for line in result.stderr.splitlines() if "left out" in line]

    warnings = json.loads(run("import", path, "--json").stdout)["warnings"]
    assert {"date": 2, "image": 1, "url": 1} == {w["field"]: w["articles"] for w in warnings}


@pytest.mark.parametrize(
    ("deciding", "expected"),
    [("25/05/2025", "2025-05-04"), ("05/25/2025", "2025-04-05"), ("2025-05-25", None)],
)
def test_a_file_decides_for_all_its_dates_whether_the_day_comes_first(
    run: Run, tmp_path: Path, backend: Backend, deciding: str, expected: str | None
) -> None:
    path = tmp_path / "stories.csv"
    path.write_text(f"id,title,date\n1,One,04/05/2025\n2,Two,{deciding}\n")
    run("import", path)
    date = backend.store.article("main", "1")["published_at"]

    assert expected == (date and date[:10])


def test_json_has_every_rejection_and_nothing_else_is_printed(run: Run, tmp_path: Path) -> None:
    path = mostly_good(tmp_path, 1000)
    result = run("import", path, "--json")
    answer = json.loads(result.stdout)

    assert result.stderr == ""
    assert (answer["site"], answer["added"], answer["rejected"]) == ("main", 963, 37)
    assert len(answer["rejections"]) == 37
    assert answer["rejections"][1] == {
        "file": str(path),
        "line": 28,
        "id": "x",
        "field": "title",
        "reason": "Field required",
    }


def test_a_file_that_cannot_be_read_stops_no_other_and_fails_the_command(
    run: Run, stories: Path, tmp_path: Path
) -> None:
    document = tmp_path / "archive.jsonl"
    document.write_bytes(b"%PDF-1.7\n")
    result = run("import", "/nowhere.jsonl", document, stories)

    assert result.exit_code == 1
    assert counts(result) == "5 added, 0 changed, 0 unchanged, 0 rejected"
    assert "Error: /nowhere.jsonl: No such file or directory\n" in result.stderr
    assert f"Error: {document}: nothing here reads this: PDF; pdftotext" in result.stderr


def test_a_file_without_one_good_article_fails(run: Run) -> None:
    assert run("import", "-", input="{}\n{}\n").exit_code == 1
    assert run("import", "-", input="").exit_code == 0


def test_ctrl_c_stores_and_counts_what_was_read_and_the_next_run_continues(
    run: Run, redis_url: str, tmp_path: Path
) -> None:
    lines = [json.dumps(article(f"a{n}")) + "\n" for n in range(300)]
    process = subprocess.Popen(
        alsosee("import", "-"),
        env=os.environ | {"ALSOSEE_REDIS_URL": redis_url},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, redis.Redis.from_url(redis_url) as client:
        assert process.stdin
        process.stdin.write("".join(lines))  # and no end of file: it waits for more
        process.stdin.flush()
        wait_until(lambda: client.get("see:{main}:version") == b"200")  # one batch
        wait_until(lambda: is_reading_input(process.pid))
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()

    assert process.returncode == 130
    assert output.startswith("300 added")
    assert errors == (
        "-: JSON Lines\n"
        "0 of 300 have: section, tags, authors, picture\n"
        "Interrupted. 300 articles are stored. Run the same command again to continue.\n"
    )
    again = run("import", "-", input="".join([*lines, json.dumps(article("new"))]))
    assert counts(again) == "1 added, 0 changed, 300 unchanged, 0 rejected"


def is_reading_input(pid: int) -> bool:
    """Whether a process has read all its input, and waits for more in a system call."""
    calls = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/syscall")]
    return any(words[1:2] == ["0x0"] for words in calls)  # of standard input, mostly `read`


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_export_imports_as_the_same(run: Run, tmp_path: Path) -> None:
    everything = article(
        "2014/03/19/<b>{x}",
        title="What <b>bold</b> and &amp; mean",
        body="&lt;p&gt; opens a paragraph.\n\nAT&T is no entity, &amp;amp; is.",
        tags=["html, css", "a &lt;tag&gt;"],
        authors=["Ann & Bob"],
        url="https://news.example/?a=1&amp;b=2",
        image={"url": "https://news.example/p.jpg", "alt": "a &lt;hr&gt;"},
        updated_at="2025-03-14T00:00:00Z",
    )
    run("import", json_lines(tmp_path / "in.jsonl", [everything, *map(article, STORIES)]))
    exported = run("export")
    result = run("import", "-", input=exported.stdout_bytes)

    assert exported.exit_code == 0
    assert counts(result) == "0 added, 0 changed, 6 unchanged, 0 rejected"


# --- related


LIST_OPTIONS = [
    ("--mode", "background"),
    ("--mode", "followup", "--half-life", "2d"),
    ("--diversity", "0.7"),
    ("--explain",),
    ("--story", "newest", "--max-per-section", "1"),
    ("--section", "World", "--section", "Sport", "--lang", "any"),
    ("--sort", "published_at", "--no-fallback"),
    ("--surface", "home", "--offset", "1", "--exclude", "sudzha"),
]


@pytest.mark.parametrize("arguments", LIST_OPTIONS, ids=" ".join)
def test_an_option_has_the_same_effect_as_over_http(
    run: Run, stories: Path, client: FlaskClient, arguments: tuple[str, ...]
) -> None:
    run("import", stories)
    query = " ".join(arguments).replace("--no-fallback", "--fallback false")
    query = query.replace("--explain", "--explain true").replace("-life", "_life")
    query = query.replace("max-per-section", "max_per_section")
    pairs = [option.split() for option in query.split("--")[1:]]
    key = run("keys", "create", "--scope", "look").stdout.strip()
    over_http = client.get(
        "/v1/main/articles/kursk/related",
        query_string=MultiDict(pairs),
        headers={"Authorization": f"Bearer {key}"},
    ).json
    printed = json.loads(run("related", "kursk", "--json", *arguments).stdout)

    different = {"recommendation_id": None}
    assert over_http["items"] or "--section" in arguments
    assert printed | different == over_http | different


def test_an_explanation_is_printed_below_its_item(run: Run, stories: Path) -> None:
    run("import", stories)
    result = run("related", "kursk", "--explain", "--limit", "1")
    item, explanation = result.stdout.splitlines()

    assert item.endswith("[sudzha]")
    assert "Both about" in explanation
    assert "similarity 0." in explanation


def test_a_bad_option_is_named_as_it_was_typed(run: Run) -> None:
    result = run("related", "kursk", "--max-per-section", "0")

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: --max-per-section: ")


def test_related_prints_score_date_title_and_id(run: Run, stories: Path) -> None:
    run("import", stories)
    result = run("related", "kursk", "--limit", "2")
    first, second = result.stdout.splitlines()

    assert first.startswith(" 0.")
    assert first.endswith("2025-03-13  Flag raised over Sudzha as Ukraine withdraws  [sudzha]")
    assert "[kursk]" not in result.stdout
    assert second


def test_related_json_is_the_answer_of_the_http_endpoint(run: Run, stories: Path) -> None:
    run("import", stories)
    answer = json.loads(run("related", "kursk", "--json", "--limit", "1").stdout)

    assert answer["source"]["id"] == "kursk"
    assert [item["id"] for item in answer["items"]] == ["sudzha"]
    assert answer["version"] == 5


def test_a_draft_gets_articles_on_its_subject(run: Run, stories: Path, tmp_path: Path) -> None:
    run("import", stories)
    draft = tmp_path / "draft.txt"
    draft.write_text("Rovers parade the cup\n\nFans lined the streets as Rovers showed the cup.\n")
    result = run("related", "--text", draft, "--no-fallback")

    assert result.stdout.splitlines()[0].endswith("[final]")
    assert (
        run("related", "--text", "-", input=draft.read_text())
        .stdout.splitlines()[0]
        .endswith("[final]")
    )


def test_an_unknown_article_is_reported_in_one_sentence(run: Run) -> None:
    result = run("related", "nobody")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: no article 'nobody'\n"


# --- keys


def test_creating_a_key_prints_the_key_and_nothing_else_on_standard_output(
    run: Run, backend: Backend
) -> None:
    result = run("keys", "create", "--site", "sport", "--scope", "ingest", "--note", "CMS")
    key = result.stdout.removesuffix("\n")

    grant = backend.keys.grant(key)
    assert grant is not None
    assert (grant.site, grant.scopes, grant.note) == ("sport", ("ingest",), "CMS")


def test_the_list_of_keys_holds_no_secret(run: Run) -> None:
    key = run("keys", "create", "--scope", "edit", "--scope", "ingest").stdout.strip()
    key_id = key.split("_")[1]
    table, as_json = run("keys", "list").stdout, run("keys", "list", "--json").stdout

    assert key_id in table
    assert "edit,ingest" in table
    assert json.loads(as_json)[0]["key_id"] == key_id
    assert key.split("_", 2)[2] not in table + as_json


def test_a_revoked_key_is_refused(run: Run, backend: Backend) -> None:
    key = run("keys", "create", "--scope", "edit").stdout.strip()
    key_id = key.split("_")[1]

    assert run("keys", "revoke", key_id).exit_code == 0
    assert backend.keys.grant(key) is None
    again = run("keys", "revoke", key_id)
    assert (again.exit_code, again.stderr) == (1, f"Error: no key '{key_id}'\n")


def elsewhere(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """From here on, commands run in a folder without an install."""
    monkeypatch.delenv("ALSOSEE_REDIS_URL")
    monkeypatch.setenv("ALSOSEE_DATA_DIR", str(folder / "var"))


def test_a_key_for_no_install_is_made_only_for_a_new_one(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere(monkeypatch, tmp_path)
    refused = run("keys", "create", "--scope", "ingest")
    assert not (tmp_path / "var").exists()
    created = run("keys", "create", "--scope", "ingest", "--new")

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert f"there is no archive in {tmp_path / 'var'}" in refused.stderr
    assert "--new" in refused.stderr
    assert created.stdout.startswith("as_")
    assert run("keys", "create", "--scope", "ingest").exit_code == 0


@pytest.mark.parametrize(
    "command",
    [
        "backup -",
        "build",
        "events",
        "export",
        "export --related",
        "keys list",
        "keys revoke as_1",
        "purge kursk",
        "reindex",
        "related kursk",
        "repair",
        "survey",
    ],
)
def test_a_command_that_needs_an_archive_makes_none(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    elsewhere(monkeypatch, tmp_path)
    refused = run(*command.split())

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert f"there is no archive in {tmp_path / 'var'}" in refused.stderr
    assert not (tmp_path / "var").exists()


def test_a_key_can_have_every_scope() -> None:
    parameters = keys.commands["create"].params
    offered = [tuple(p.type.choices) for p in parameters if isinstance(p.type, click.Choice)]

    assert offered == [SCOPES]


# --- doctor


def test_the_doctor_finds_nothing_wrong_in_a_new_installation(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ALSOSEE_REDIS_URL")
    monkeypatch.setenv("ALSOSEE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("ALSOSEE_PORT", "8499")
    result = run("doctor", "--json")
    report = json.loads(result.stdout)
    texts = {check["name"]: check["text"] for check in report["checks"]}

    assert (result.exit_code, report["ok"]) == (0, True)
    assert texts["durability"] == "what was accepted survives a crash and a power cut"
    assert texts["site main"] == "no articles: alsosee import FILE"


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (600.1, "600 s ahead of the store's"),
        (-5.1, "5 s behind the store's"),
        (None, "the store's clock could not be read"),
    ],
)
def test_the_doctor_reports_a_clock_that_differs_from_the_store_s(
    run: Run, monkeypatch: pytest.MonkeyPatch, ahead: float | None, words: str
) -> None:
    before = run("doctor").stdout
    with monkeypatch.context() as patched:
        patched.setattr(StoreClock, "ahead_seconds", lambda _: ahead)
        after = run("doctor").stdout

    assert "this machine's clock agrees with the store's" in before
    assert words in after


def test_the_doctor_reports_damaged_machine_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run("doctor").stdout
    monkeypatch.setattr(compiled, "damaged", {"nearest", "find"})

    assert "ok     compiled   the loops that make lists run as machine code" in before
    after = run("doctor").stdout
    assert (
        "note   compiled   cached machine code was damaged and is compiled again: find, nearest"
        in after
    )


def test_the_doctor_counts_articles_by_language(run: Run, stories: Path) -> None:
    run("import", stories)
    run("import", "-", input=json.dumps(article("es", language="es")))

    assert "site main  6 articles (en 5, es 1)" in run("doctor").stdout


def test_the_doctor_names_problems_and_exits_with_1(
    run: Run, raw_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALSOSEE_CACHE_URL", "redis://user:hunter2@127.0.0.1:1/0")
    raw_redis.config_set("appendonly", "no")
    try:
        result = run("doctor")
    finally:
        raw_redis.config_set("appendonly", "yes")

    assert result.exit_code == 1
    assert (
        "WRONG  durability after a restart the store has nothing: set appendonly yes"
        in result.stdout
    )
    assert "note   cache      every list is made again for each request, because" in result.stdout
    assert "hunter2" not in result.output


def test_reindex_repairs_the_outdated_articles_that_the_doctor_reports(
    run: Run, raw_redis: "redis.Redis", stories: Path
) -> None:
    run("import", stories)
    for key in raw_redis.scan_iter("*:vector:*"):
        raw_redis.setrange(key, 4, b"\1\0")  # an earlier features version
    before = run("doctor")
    again = run("reindex"), run("reindex", "--json")

    assert before.exit_code == 1
    assert "; 5 articles were analysed by another version: alsosee reindex" in before.stdout
    assert [r.stdout for r in again] == [
        "main: analysed 5 articles\n",
        '{"site":"main","reindexed":0}\n',
    ]
    assert "site main  5 articles (en 5)" in run("doctor").stdout


def test_the_doctor_reports_a_day_that_is_almost_full_of_counts(
    run: Run, raw_redis: "redis.Redis"
) -> None:
    key = f"see:{{main}}:events:{datetime.now(UTC).date()}"
    taken = int(0.8 * MAX_FIELDS)
    raw_redis.hset(key, mapping={f"i1:a{n}": 1 for n in range(taken)})
    full = run("doctor")
    raw_redis.hdel(key, "i1:a0")

    assert f"note   events     main: {taken:,} of today's {MAX_FIELDS:,} counts" in full.stdout
    assert full.exit_code == 0
    assert " events " not in run("doctor").stdout


def test_the_doctor_lists_boilerplate(run: Run) -> None:
    bios = [f"Author number {n} covers wars." for n in range(12)]
    shared = [
        article(f"a{n}", body="\n".join([f"Day {n} of the war", *bios[: 1 + 4 * n]]))
        for n in range(5)
    ]
    run("import", "-", input="\n".join(map(json.dumps, shared)))
    report = json.loads(run("doctor", "--json").stdout)
    [boilerplate] = [check for check in report["checks"] if check["name"] == "boilerplate"]

    assert boilerplate["text"] == "main: 9 lines are in many articles and do not count"
    assert boilerplate["boilerplate"][0] == {"articles": 5, "text": bios[0]}
    assert sorted(bios[:9]) == sorted(line["text"] for line in boilerplate["boilerplate"])
    assert f" 5 × {bios[0]}\n" in run("doctor").stdout
