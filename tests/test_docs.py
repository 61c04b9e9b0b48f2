"""The documents say what the code does."""

import json
import re
import struct
import sys
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from pipeline import Archive

from api.app import create_app
from api.caches.hot import HOT_BYTES
from api.caches.lists import STALE_BYTES
from api.cli.main import COMMANDS
from api.lists.answer import CACHE_CONTROL
from api.lists.options import FEW_VALUES, MAX_CACHED_LIMIT, MAX_CACHED_OPTIONS
from api.site.demo import SAMPLE_ORIGIN, sample_articles
from recommender.config import PREFIX, Settings
from recommender.evaluation.tune import FEWEST
from recommender.index import arrays, codec, postings
from recommender.ingest import ingest
from recommender.pipeline.candidates import MAX_CANDIDATES, POOL
from recommender.sources.records import Record
from recommender.storage.change_log import KNOWN_STATE_SECONDS

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))
from reference import generated_parts, with_generated_parts  # noqa: E402

OPTIONS_WITH_FEW_VALUES = ("surface", "limit", "mode", "story", "sort", "fallback")
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *(path for path in sorted(ROOT.glob("docs/**/*.md")) if "_build" not in path.parts),
]
HTTP = (ROOT / "docs" / "http.md").read_text()
README = (ROOT / "README.md").read_text()
ASKED = (ROOT / "docs" / "PUBLISHERS-ASK.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()


@pytest.mark.parametrize("name", sorted({part.document for part in generated_parts()}))
def test_generated_parts_of_documents_are_what_the_code_declares(name):
    text = (ROOT / "docs" / name).read_text()

    assert with_generated_parts(name, text) == text


def test_no_document_names_a_setting_that_does_not_exist():
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    text = "".join(path.read_text() for path in DOCUMENTS)

    assert known >= set(re.findall(r"ALSOSEE_[A-Z_]*[A-Z]", text))


@pytest.mark.parametrize("name", ["PUBLISHERS-ASK", "compare"])
def test_every_test_that_a_claim_names_exists(name):
    claims = (ROOT / "docs" / f"{name}.md").read_text()
    tests = {path.name: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", claims)

    assert named
    assert [] == [test for file, test in named if f"def {test}(" not in tests.get(file, "")]


def test_every_answer_to_what_publishers_ask_names_a_test_or_is_open():
    rows = re.findall(r"^\| (\d+) \| (.*) \| (.*) \|(.*)\|$", ASKED, re.MULTILINE)

    assert [str(number) for number in range(1, 39)] == [number for number, *_ in rows]
    for number, _, ours, shown_by in rows:
        names = re.findall(r"`(test_\w+\.py)::(test_\w+)`", shown_by)
        assert names or ours.startswith("**open**"), number


def test_the_table_of_endpoints_is_complete(backend):
    rules = create_app(backend=backend).url_map.iter_rules()
    served = {
        (method, re.sub(r"<(?:\w+(?:\(.*?\))?:)?(?:article_)?(\w+)>", r"{\1}", rule.rule))
        for rule in rules
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static" and not rule.endpoint.startswith("editor.")  # pages
    }

    rows = re.findall(r"^\| \[?`(GET|PUT|POST|DELETE) (/[^`]*)`", HTTP, re.MULTILINE)
    assert served == set(rows)


def test_every_command_that_the_documents_name_exists():
    text = "".join(path.read_text() for path in DOCUMENTS)
    named = set(re.findall(r"(?:`|bin/)alsosee ([a-z]+)", text))

    assert named
    assert named <= set(COMMANDS)


def test_every_make_target_that_the_documents_name_exists():
    makefile = (ROOT / "Makefile").read_text()
    named = set(
        re.findall(
            r"\bmake ([a-z]+)\b(?= *[`#\n])", "".join(path.read_text() for path in DOCUMENTS)
        )
    )

    assert named
    assert {
        target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)
    } == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())

    assert [] == [target for target in targets if not (document.parent / target).exists()]


@pytest.mark.parametrize("package", ["features", "recommender", "api"])
def test_every_module_stands_in_the_architecture(package):
    modules = [path for path in (ROOT / package).rglob("*.py") if path.name != "__init__.py"]

    assert [] == [str(p.relative_to(ROOT)) for p in modules if f"`{p.name}`" not in ARCHITECTURE]


def test_every_folder_has_its_row_in_the_architecture():
    ours = {path.name for path in ROOT.glob("[a-z]*/")}
    left_behind = re.findall(r"^/(\w+)/$", (ROOT / ".gitignore").read_text(), re.MULTILINE)
    rows = re.findall(r"^\| `(\w+)/` \|", ARCHITECTURE.partition("## ")[0], re.MULTILINE)

    assert set(rows) == ours - {*left_behind}


def test_editors_are_told_what_is_good_in_the_figures_of_the_measurement():
    relevance, editor = ((ROOT / f"docs/{name}.md").read_text() for name in ("RELEVANCE", "EDITOR"))
    rows = re.findall(r", publication \| \d+ \| \*\*(\.\d+)\*\* \| (\.\d+) `", relevance)
    ours, plain = (
        " to ".join(f"{float(one):.2f}".lstrip("0") for one in (min(values), max(values)))
        for values in zip(*rows, strict=True)
    )

    assert 4 == len(rows)
    assert f"our lists have {ours} and the best plain search {plain}" in editor
    assert f"our lists have {ours} and the best plain search {plain}" in " ".join(README.split())


# The index file

INDEX_FORMAT = (ROOT / "docs/index-format.md").read_text()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (arrays, "CONTAINER_FORMAT"),
        (arrays, "ALIGNMENT"),
        *((postings, name) for name in ("FORMAT", "GROUPS", "PAGE_BITS", "COMMON_DF_PER_PAGE")),
        *((postings, name) for name in ("BLOCK_TERMS", "SINGLE_BLOCK_TERMS")),
        *((postings, name) for name in ("GAP_ESCAPE", "GAP_CODED")),
        (codec, "ESCAPE_QUOTIENT"),
    ],
)
def test_the_constants_of_the_index_file_are_those_of_the_code(module, name):
    assert f"| `{name}` | {getattr(module, name)} |" in INDEX_FORMAT


def test_the_container_of_the_index_file_is_drawn_as_it_is_written(tmp_path):
    with (tmp_path / "file").open("wb") as file:
        arrays.write_arrays(file, {"one": np.ones(3, "<u4")}, {"version": 7})
    written = (tmp_path / "file").read_bytes()
    magic, version, length, checksum = struct.unpack_from("<4sIII", written)
    header = written[16 : 16 + length]
    start = -(-(16 + length) // arrays.ALIGNMENT) * arrays.ALIGNMENT

    assert (b"ASIX", arrays.CONTAINER_FORMAT, crc32(header)) == (magic, version, checksum)
    assert {"about", "arrays", "size"} == json.loads(header).keys()
    assert ["one", "<u4", [3], 0] == json.loads(header)["arrays"][0][:4]
    assert np.ones(3, "<u4").tobytes() == written[start : start + 12]
    assert f"| `MAGIC` | `{magic.decode()}` |" in INDEX_FORMAT


def test_every_array_of_the_index_file_has_its_row():
    archive = Archive({"id": "a", "title": "Kursk", "body": "w1 w2", "language": "en"})
    rows = re.findall(r"^\| `(\w+\.\w+)` \| ([^|]+) \|", INDEX_FORMAT, re.MULTILINE)
    described = {name: kinds.split(" to ")[0] for name, kinds in rows}

    assert described == {name: str(one.dtype) for name, one in archive.corpus.arrays().items()}


# The examples, on the sample archive


@pytest.fixture
def sample(client, backend):
    """A reader's client of a service with the sample archive, imported as the README says."""
    records = (Record(n, fields) for n, fields in enumerate(sample_articles(SAMPLE_ORIGIN), 1))
    assert {"added"} == {result.outcome for result in ingest(backend.store, "main", records)}
    return client


def test_the_address_of_the_readme_has_a_list(sample):
    [path] = re.findall(rf"(/v1/main/related\?url={SAMPLE_ORIGIN}[^']+)'", README)

    assert 5 == len(sample.get(path).json["items"])


def test_the_draft_of_the_readme_has_links(sample, key):
    page = (ROOT / "docs" / "drafts.md").read_text()
    [draft] = re.findall(r"/v1/main/links -d '(\{.*?\})'", page, re.DOTALL)
    links = sample.post("/v1/main/links", data=draft, headers=key).json["items"]

    assert 3 == len(links)
    assert "Dunmere lock" in [one["anchor"]["text"] for one in links if one["anchor"]]


def test_the_documents_name_how_many_links_tuning_takes_and_how_many_candidates_there_are():
    page = (ROOT / "docs" / "EVALUATION.md").read_text()
    assert f"{FEWEST} older articles\nwith such links to learn from, and {FEWEST} newer" in page
    assert (100, 400) == (POOL, MAX_CANDIDATES)
    assert "the hundred nearest articles" in ARCHITECTURE
    assert f"deeper ones up to the {MAX_CANDIDATES}th" in ARCHITECTURE


def test_the_page_on_caches_has_the_limits_of_the_code():
    page = (ROOT / "docs/caches.md").read_text()
    proxy = (ROOT / "deploy/nginx.conf").read_text()
    kept = ", ".join(f"`{name}`" for name in OPTIONS_WITH_FEW_VALUES[:-1])

    assert f"`Cache-Control: {CACHE_CONTROL}`" in page
    assert "max_size=64m" in proxy and "64 MB in `deploy/nginx.conf`" in page
    assert "proxy_cache_use_stale" not in re.sub("#.*", "", proxy)
    assert f"{HOT_BYTES // 2**20} MB a worker |\n| Redis lists" in page
    assert f"{STALE_BYTES // 2**20} MB a worker |\n" in page.partition("| stale copies")[2]
    assert f"counts as current for {KNOWN_STATE_SECONDS} seconds" in page
    assert f"up to {MAX_CACHED_LIMIT} items" in page
    assert (2, sorted(FEW_VALUES)) == (MAX_CACHED_OPTIONS, sorted(OPTIONS_WITH_FEW_VALUES))
    assert f"at most two of\n{kept} and `{OPTIONS_WITH_FEW_VALUES[-1]}`" in page
