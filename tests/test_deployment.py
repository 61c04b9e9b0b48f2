"""What ships, and what it runs on, says nothing that the code does not know."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from api.cli.main import COMMANDS
from api.http.request import MAX_BODY_BYTES
from api.v1.articles import MAX_BULK_BYTES
from recommender.config import PREFIX, Settings
from recommender.extras import EXTRAS
from recommender.storage.embedded import request, server_binary

ROOT = Path(__file__).parent.parent
PACKAGES = ("features", "recommender", "api")
DEPLOYED = ("Dockerfile", "docker-compose.yml", "deploy/nginx.conf", "Makefile", ".ci/run")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMPOSE = YAML(typ="safe").load(ROOT / "docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
NGINX = (ROOT / "deploy" / "nginx.conf").read_text()


def run(*command: str | Path) -> None:
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def pins(file: str) -> dict[str, list[Requirement]]:
    """The requirements of *file* by name; a name can have one version for each Python."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / file).read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            requirement = Requirement(line.removesuffix("\\"))
            found.setdefault(requirement.name, []).append(requirement)
    return found


def versions(file: str) -> dict[str, list[str]]:
    """The same without markers: what other platforms need may differ between the files."""
    return {name: [str(pin.specifier) for pin in found] for name, found in pins(file).items()}


# The composition


def test_the_composition_is_valid():
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")


def test_the_workflow_of_a_release_is_valid_and_runs_commands_that_exist():
    file = ROOT / ".github" / "workflows" / "release.yml"
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(file))
    targets = re.findall(r"run: make (\w+)", file.read_text())

    assert ["check", "release"] == targets
    assert all(f"\n{target}:" in (ROOT / "Makefile").read_text() for target in targets)


def test_services_wait_only_for_services_that_can_say_they_are_healthy():
    graph = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}

    assert set(TopologicalSorter(graph).static_order()) == set(SERVICES)
    for awaited in (name for wanted in graph.values() for name in wanted):
        checked_in_image = "build" in SERVICES[awaited] and "\nHEALTHCHECK " in DOCKERFILE
        assert "healthcheck" in SERVICES[awaited] or checked_in_image, awaited
    for wanted in graph.values():
        assert {how["condition"] for how in wanted.values()} <= {"service_healthy"}


def test_only_the_proxy_can_be_reached_and_only_from_this_machine():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert list(published) == ["proxy"]
    [port] = published["proxy"]
    assert port.startswith("${PROXY_ADDRESS:-127.0.0.1}:")
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert {name for name in SERVICES if "front" not in SERVICES[name]["networks"]} == {
        "store",
        "cache",
    }


def test_the_store_keeps_everything_and_the_cache_nothing():
    store, cache = (words_of(SERVICES[name]["command"]) for name in ("store", "cache"))

    assert "--appendonly yes --appendfsync always" in store
    assert "--maxmemory-policy noeviction" in store
    assert "store:/data" in SERVICES["store"]["volumes"]
    assert "--appendonly no" in cache
    assert "--maxmemory 256mb --maxmemory-policy allkeys-lfu" in cache
    assert "volumes" not in SERVICES["cache"]


def words_of(command: list[str]) -> str:
    return " ".join(" ".join(command).replace("\\\n", " ").split())


def test_every_bulk_upload_that_the_proxy_lets_through_fits_into_tmp():
    [bulks] = re.findall(r"limit_conn bulks ([0-9]+);", NGINX)
    for name in ("proxy", "alsosee"):
        [tmp] = [mount for mount in SERVICES[name]["tmpfs"] if mount.startswith("/tmp:")]
        [megabytes] = re.findall(r"size=([0-9]+)m", tmp)

        assert int(bulks) * MAX_BULK_BYTES <= int(megabytes) * 2**20


def test_no_command_line_has_a_password():
    commands = [service.get("command", []) for service in SERVICES.values()]
    checks = [service.get("healthcheck", {}).get("test", []) for service in SERVICES.values()]

    assert not re.search(r"PASSWORD", str(commands + checks))
    files = [*ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/*"), ROOT / "README.md"]
    for example in filter(Path.is_file, files):  # Python leaves a folder in deploy/
        assert not re.search(r"requirepass \S|redis-cli -a|valkey-cli -a", example.read_text())


def test_the_store_gets_its_password_where_no_other_user_can_read_it(tmp_path: Path) -> None:
    """The command of docker-compose.yml, with the embedded server in place of the image's."""
    (tmp_path / "valkey-server").symlink_to(server_binary())
    [shell, option, script] = SERVICES["store"]["command"]
    script = script.replace("$$", "$").replace("${STORE_MAXMEMORY:-1200mb}", "50mb")
    script = script.replace("exec valkey-server", "exec valkey-server --port 0 --unixsocket s.sock")
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "REDISCLI_AUTH": "sesame" * 6}
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([shell, option, script], cwd=folder, env=environment) as server,
    ):
        socket = Path(folder) / "s.sock"
        deadline = time.monotonic() + 30
        while not request(socket, b"PING") and time.monotonic() < deadline:
            time.sleep(0.01)
        command = ["ps", "-ww", "-o", "command=", "-p", str(server.pid)]
        line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        refused = request(socket, b"GET kursk")
        accepted = request(socket, b"AUTH " + b"sesame" * 6)
        server.terminate()

    assert ("valkey-server" in line, "sesame" in line) == (True, False)
    assert refused.startswith(b"-NOAUTH")
    assert accepted == b"+OK\r\n"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_no_more_rights_than_it_needs(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "mem_limit" in service
    assert "user" in service or "\nUSER 10001:10001\n" in DOCKERFILE


def test_every_file_and_volume_that_is_mounted_exists():
    volumes = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    sources = [volume.split(":")[0] for volume in volumes]

    assert sources
    for source in sources:
        assert (ROOT / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]


# The image


def test_the_dockerfile_has_no_known_mistake():
    run(tool("hadolint"), "Dockerfile")


def test_everything_the_image_copies_exists_and_is_not_ignored():
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    copied = {source for line in lines for source in line.split()}

    assert copied
    assert {source for source in copied if not (ROOT / source).exists()} == set()
    let_through = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert copied == set(let_through)


def test_images_are_pinned_and_ours_has_the_version_of_the_project():
    version = PYPROJECT["project"]["version"]
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    images = [service["image"] for service in SERVICES.values()]

    assert [i for i in bases + images if not re.search(r":\d+\.\d+\.\d+(-[a-z-]+)?$", i)] == []
    assert len(set(bases)) == 1
    assert SERVICES["alsosee"]["image"] == f"alsosee:{version}"
    assert f'org.opencontainers.image.version="{version}"' in DOCKERFILE
    plugin = (ROOT / "integrations/wordpress/also-see/also-see.php").read_text()
    assert f" * Version: {version}\n" in plugin
    assert f'"version": "{version}"' in (ROOT / "integrations/npm/package.json").read_text()


# Names that the code must know


@pytest.mark.parametrize("file", DEPLOYED)
def test_every_setting_exists(file):
    known = {PREFIX + name.upper() for name in Settings.model_fields}

    assert set(re.findall(rf"{PREFIX}[A-Z_]+", (ROOT / file).read_text())) <= known


def test_every_command_exists():
    [started] = re.findall(r"^CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    program, *words = json.loads(started)
    typed = re.findall(r"\$\(BIN\)/alsosee (\w+)", (ROOT / "Makefile").read_text())
    typed += re.findall(r"exec alsosee alsosee (\w+)", (ROOT / "docker-compose.yml").read_text())

    assert [program] == list(PYPROJECT["project"]["scripts"])
    assert {*words, *typed} == {"serve", "demo", "keys"}
    assert {*words, *typed} <= set(COMMANDS)


def test_the_proxy_takes_bodies_as_large_as_the_service_does():
    sizes = re.findall(r"client_max_body_size (\d+)m;", NGINX)

    assert [int(size) * 2**20 for size in sizes] == [MAX_BODY_BYTES, MAX_BULK_BYTES]


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_understands_the_configuration(tmp_path):
    config = NGINX.replace("server alsosee:8000;", "server 127.0.0.1:8000;")
    for folder in ("/tmp/", "/var/cache/nginx/"):  # its own in the container, not here
        config = config.replace(f" {folder}", f" {tmp_path}/")
    (tmp_path / "nginx.conf").write_text(config)

    run("nginx", "-t", "-q", "-c", tmp_path / "nginx.conf")


# What is installed


REQUIREMENTS = ("requirements.txt", "requirements-install.txt", "requirements-dev.txt")


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_requirements_name_no_host_and_every_one_is_pinned_with_a_hash(file):
    text = (ROOT / file).read_text()

    assert re.findall(r"^-.*$|.*(?:://|file:| @ ).*", text, re.MULTILINE) == []
    blocks = re.split(r"\n(?=\S)", text.partition("make lock\n")[2].strip())
    assert [b for b in blocks if not re.match(r"\S+==\S+ .*\\\n +--hash=sha256:", b)] == []


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("requirements.txt", PYPROJECT["project"]["dependencies"]),
        ("requirements.txt", PYPROJECT["dependency-groups"]["build"]),
        ("requirements-install.txt", PYPROJECT["project"]["optional-dependencies"]["evaluate"]),
        ("requirements-dev.txt", PYPROJECT["dependency-groups"]["dev"]),
    ],
    ids=["runtime", "build", "evaluate", "dev"],
)
def test_every_dependency_is_pinned_at_a_version_it_allows(file, wanted):
    """When this fails after a change of pyproject.toml: make lock."""
    pinned = pins(file)
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        versions = [str(pin.specifier).removeprefix("==") for pin in pinned.get(name, [])]

        assert versions, name
        assert [v for v in versions if not requirement.specifier.contains(v)] == []


@pytest.mark.parametrize(("part", "whole"), [*pairwise(REQUIREMENTS)])
def test_each_file_of_requirements_holds_the_one_before_at_the_same_versions(part, whole):
    """So tests run with the versions that ship."""
    shipped, tested = versions(part), versions(whole)

    assert {name: tested.get(name) for name in shipped} == shipped


def test_the_image_leaves_out_what_only_evaluations_need():
    extra = {
        Requirement(one).name for one in PYPROJECT["project"]["optional-dependencies"]["evaluate"]
    }

    assert extra & pins("requirements.txt").keys() == set()
    assert "COPY requirements.txt ./" in DOCKERFILE


def test_the_extra_brings_the_modules_that_it_is_known_by():
    distributions = packages_distributions()
    brought = {
        canonicalize_name(one) for module in EXTRAS["evaluate"] for one in distributions[module]
    }

    extra = PYPROJECT["project"]["optional-dependencies"]["evaluate"]
    assert brought == {canonicalize_name(Requirement(one).name) for one in extra}


def test_nothing_drags_in_a_gpu():
    names = pins("requirements-dev.txt").keys()

    assert {name for name in names if re.match(r"torch|triton|nvidia|cuda", name)} == set()


def test_the_wheel_holds_every_file_of_the_packages(tmp_path):
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path)

    [wheel] = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        [scripts] = [name for name in archive.namelist() if name.endswith("/entry_points.txt")]
        assert "alsosee = api.cli.main:main" in archive.read(scripts).decode()
    assert packed == files
    assert {Path(name).suffix for name in files} >= {
        ".py",
        ".lua",
        ".html",
        ".css",
        ".svg",
        ".jsonl",
    }


def test_the_licence_is_apache_2_0():
    text = (ROOT / "LICENSE").read_text()

    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in text
    assert PYPROJECT["project"]["license"] == "Apache-2.0"
