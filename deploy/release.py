"""
Build what a release consists of, into `dist/`: `make release`.

Everything is made from the files of the last commit's date, so that two builds of one commit have
the same checksums.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "integrations" / "wordpress" / "also-see"
NPM = ROOT / "integrations" / "npm"
SITE = ROOT / "docs" / "_build"
NO_PART_OF_THE_SITE = {".doctrees", ".buildinfo", "__pycache__"}


def main(folder: Path = ROOT / "dist") -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seconds = _commit_time()
    _build_packages(folder, seconds)
    moment = datetime.fromtimestamp(seconds, UTC)
    _zip(PLUGIN, folder / f"also-see-wordpress-{version}.zip", PLUGIN.name, moment)
    if SITE.exists():
        _zip(SITE, folder / f"alsosee-docs-{version}.zip", "docs", moment)
    _list_dependencies(folder / f"alsosee-{version}.cdx.json")
    _pack_npm(folder)
    _write_checksums(folder)


def _commit_time() -> int:
    """When the last commit was made, in seconds since 1970."""
    return int(_output("git", "log", "-1", "--format=%ct"))


def _build_packages(folder: Path, seconds: int) -> None:
    """The wheel and the source distribution."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(seconds)}
    _run(sys.executable, "-m", "hatchling", "build", "-d", str(folder), env=environment)


def _zip(source: Path, target: Path, name: str, moment: datetime) -> None:
    """All files of a folder, in the order of their paths and with one date."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(source.rglob("*")):
            relative = file.relative_to(source)
            if file.is_dir() or NO_PART_OF_THE_SITE.intersection(relative.parts):
                continue
            entry = zipfile.ZipInfo(f"{name}/{relative.as_posix()}", moment.timetuple()[:6])
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)


def _list_dependencies(target: Path) -> None:
    """A software bill of materials (CycloneDX) of what the service's image installs."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "requirements.txt"]
    _run(*command, "--output-reproducible", "--output-file", str(target))


def _pack_npm(folder: Path) -> None:
    npm = shutil.which("npm")
    if not NPM.exists():
        return
    if npm is None:
        sys.stderr.write("No npm here: the npm package is left out.\n")
        return
    _output(npm, "pack", "--pack-destination", str(folder), cwd=NPM)


def _write_checksums(folder: Path) -> None:
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(folder.iterdir())
        if file.name != ".gitignore"
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def _output(*command: str, cwd: Path = ROOT) -> str:
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


def _run(*command: str, env: dict[str, str] | None = None) -> None:
    subprocess.run(command, cwd=ROOT, check=True, env=env)


if __name__ == "__main__":
    main()
