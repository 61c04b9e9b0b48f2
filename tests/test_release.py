"""What `make release` builds: everything that runs, and the same bytes each time."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "deploy"))
import release  # noqa: E402

PARTS = [
    "api/static/widget.js",
    "api/templates/box.html",
    "api/sample/articles.jsonl",
    "api/py.typed",
]


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two builds of the same commit."""
    if subprocess.run(["git", "log", "-1"], cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip("NO GIT HISTORY: a release has the date of a commit")
    folders = [tmp_path_factory.mktemp("build") / "dist" for _ in range(2)]
    for folder in folders:
        release.main(folder)
    return folders


def test_two_builds_have_the_same_checksums(builds: list[Path]) -> None:
    one, other = ((folder / "SHA256SUMS").read_text() for folder in builds)

    assert one == other


def test_every_file_has_its_checksum(builds: list[Path]) -> None:
    lines = [line.split("  ") for line in (builds[0] / "SHA256SUMS").read_text().splitlines()]
    files = {file.name for file in builds[0].iterdir()} - {"SHA256SUMS", ".gitignore"}

    assert files == {name for _, name in lines}
    for digest, name in lines:
        assert digest == hashlib.sha256((builds[0] / name).read_bytes()).hexdigest()


def test_the_wheel_has_all_that_the_service_reads(builds: list[Path]) -> None:
    [wheel] = builds[0].glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    packaged = {
        str(path.relative_to(ROOT))
        for package in ("api", "features", "recommender")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert set(PARTS) <= packaged <= names


def test_the_plugin_is_one_folder(builds: list[Path]) -> None:
    [plugin] = builds[0].glob("also-see-wordpress-*.zip")

    assert "also-see/also-see.php" in zipfile.ZipFile(plugin).namelist()
