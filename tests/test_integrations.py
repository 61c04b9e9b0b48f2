"""The examples in integrations/ do what docs/integrations/ says, each with the real program."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from news import STORIES, article
from werkzeug.serving import make_server

from recommender.backend import Backend
from recommender.ingest import ingest
from recommender.sources.files import ArticleFile

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "integrations"
PATIENCE_SECONDS = 10.0
KURSK = "/v1/main/articles/kursk/related"


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"NO {name.upper()}: this example is not run")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Service:
    """The service over HTTP; `stop` takes it away."""

    def __init__(self, app: Flask) -> None:
        self._backend: Backend = app.extensions["alsosee"]
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.address = f"127.0.0.1:{self._server.port}"
        # It looks that often whether it is to end.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def delete(self, article_id: str) -> None:
        self._backend.store.delete("main", article_id)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def service(app: Flask, put: Callable[..., None]) -> Iterator[Service]:
    put(*map(article, STORIES))
    service = Service(app)
    yield service
    service.stop()


def get(port: int, path: str) -> tuple[int, str, dict[str, str]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, dict(answer.getheaders())


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """A program that listens on *port*."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                ended = process.poll() is not None and process.stdout
                assert not ended, process.stdout.read()  # type: ignore[union-attr]
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.communicate()


# nginx


@pytest.fixture
def nginx(service: Service, tmp_path: Path) -> Iterator[int]:
    """The example's proxy with two pages behind it: its port."""
    port = free_port()
    pages = tmp_path / "pages"
    pages.mkdir()
    tmp_path.chmod(0o755)
    include = '<!--#include virtual="/related-box/v1/main/articles/{}/related.html" -->'
    for name in ("kursk", "nobody"):
        (pages / f"{name}.html").write_text(f"<p>before</p>{include.format(name)}<p>after</p>")
    example = (EXAMPLES / "nginx/also-see.conf").read_text()
    replaced = (
        example.replace("listen 8080", f"listen 127.0.0.1:{port}")
        .replace("127.0.0.1:8000", service.address)
        .replace("/srv/pages", str(pages))
        .replace("/var/cache/nginx/also-see", str(tmp_path / "cache"))
    )
    types = "types { text/html html; } default_type application/octet-stream;"
    paths = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = tmp_path / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""
    config.write_text(
        f"{user} daemon off; pid {tmp_path}/pid; error_log stderr; events {{}}"
        f" http {{ access_log off; {types} {paths} {replaced} }}"
    )
    with running([program("nginx"), "-p", str(tmp_path), "-c", str(config)], port):
        yield port


def test_nginx_puts_the_box_into_the_page(nginx: int) -> None:
    status, text, _ = get(nginx, "/kursk.html")

    assert (200, True, True) == (status, text.startswith("<p>before</p>"), text.endswith("</p>"))
    assert 4 == text.count('class="also-see-card"')


def test_a_page_without_a_list_is_whole(nginx: int) -> None:
    assert (200, "<p>before</p><p>after</p>") == get(nginx, "/nobody.html")[:2]


def test_nginx_shows_what_it_has_while_the_service_is_away(nginx: int, service: Service) -> None:
    before = get(nginx, "/kursk.html")[1]
    service.stop()

    assert before == get(nginx, "/kursk.html")[1]


def test_without_service_and_cache_the_page_has_no_box(nginx: int, service: Service) -> None:
    service.stop()

    assert (200, "<p>before</p><p>after</p>") == get(nginx, "/kursk.html")[:2]


def test_the_script_can_come_from_the_sites_own_origin(nginx: int) -> None:
    status, text, headers = get(nginx, "/related-box/widget.js")

    assert (200, True) == (status, text == (ROOT / "api/static/widget.js").read_text())
    assert headers["Content-Type"].startswith("text/javascript")


@pytest.mark.chaos
@pytest.mark.parametrize("is_down", [False, True], ids=["service up", "service down"])
@pytest.mark.parametrize("cache", ["nginx", "varnish"])
def test_a_deleted_article_is_gone_after_thirty_seconds(
    cache: str, is_down: bool, service: Service, request: pytest.FixtureRequest
) -> None:
    port = request.getfixturevalue(cache)
    assert "sudzha" in get(port, "/kursk.html")[1]
    service.delete("sudzha")
    deleted = time.monotonic()
    if is_down:
        service.stop()
    while time.monotonic() < deleted + 31:  # a cache that is asked all the time renews its copy
        get(port, "/kursk.html")
        time.sleep(0.5)

    assert "sudzha" not in get(port, "/kursk.html")[1]


# Varnish


@pytest.fixture
def varnish(service: Service, tmp_path: Path) -> Iterator[int]:
    varnishd = program("varnishd")
    port, pages = free_port(), tmp_path / "pages"
    pages.mkdir()
    (pages / "kursk.html").write_text(
        f'<p>before</p><esi:include src="/related-box{KURSK}.html" onerror="continue"/><p>after</p>'
    )
    site_port = free_port()
    site = [sys.executable, "-m", "http.server", str(site_port), "--directory", str(pages)]
    host, service_port = service.address.split(":")
    vcl = tmp_path / "example.vcl"
    vcl.write_text(
        (EXAMPLES / "varnish/also-see.vcl")
        .read_text()
        .replace('"8081"', f'"{site_port}"')
        .replace('"8000"', f'"{service_port}"')
    )
    command = [
        varnishd,
        "-j",
        "none",
        "-F",
        "-n",
        str(tmp_path / "v"),
        "-a",
        f"{host}:{port}",
        "-f",
        str(vcl),
    ]
    with running(site, site_port), running(command, port):
        yield port


def test_varnish_puts_the_box_into_the_page(varnish: int) -> None:
    status, text, _ = get(varnish, "/kursk.html")

    assert (200, 4) == (status, text.count('class="also-see-card"'))
    assert text.startswith("<p>before</p>")


def test_varnish_keeps_a_list_whatever_hangs_on_its_address(varnish: int) -> None:
    path = f"/related-box{KURSK}.html?limit=2"
    get(varnish, path)
    _, text, headers = get(varnish, path + "&utm_source=mail&utm_medium=x")

    assert (2, 2) == (text.count('class="also-see-card"'), len(headers["X-Varnish"].split()))


def test_varnish_shows_what_it_has_while_the_service_is_away(
    varnish: int, service: Service
) -> None:
    before = get(varnish, "/kursk.html")[1]
    service.stop()

    assert before == get(varnish, "/kursk.html")[1]


# Next.js


def node(code: str, **environment: str) -> Any:
    module = (EXAMPLES / "nextjs/also-see.mjs").as_uri()
    script = f"import {{ related }} from {orjson.dumps(module).decode()}; {code}"
    done = subprocess.run(
        [program("node"), "--input-type=module", "--eval", script],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return orjson.loads(done.stdout)


SHOW = "console.log(JSON.stringify(await related('kursk', {limit: 2})))"


def test_a_server_component_gets_the_list(service: Service, client: FlaskClient) -> None:
    assert client.get(f"{KURSK}?limit=2").json["items"] == node(
        SHOW, ALSO_SEE_URL=f"http://{service.address}"
    )


@pytest.mark.parametrize("site", ["elsewhere", "main"])
def test_a_page_is_made_without_the_service_too(service: Service, site: str) -> None:
    url = "http://127.0.0.1:9" if site == "main" else f"http://{service.address}"

    assert [] == node(SHOW, ALSO_SEE_URL=url, ALSO_SEE_SITE=site)


# Generators of static sites


def export_of(client: FlaskClient, ids: list[str]) -> bytes:
    """As `alsosee export --related` writes it: one list a line."""
    paths = [f"/v1/main/articles/{quote(one, safe='')}/related" for one in ids]
    return b"\n".join(client.get(path).data for path in paths)


def by_id(lines: bytes) -> bytes:
    script = [sys.executable, str(EXAMPLES / "related-by-id.py")]
    return subprocess.run(script, input=lines, capture_output=True, check=True).stdout


def test_lists_become_one_object_by_id() -> None:
    lines = (
        b'{"source": {"id": "/a/"}, "items": [{"id": "/b/"}]}\n\n'
        b'{"source": {"id": "/\xc3\xa4/"}, "items": []}\n'
    )

    assert {"/a/": ["/b/"], "/ä/": []} == orjson.loads(by_id(lines))


def import_file(backend: Backend, file: Path) -> list[str]:
    with ArticleFile(str(file)) as articles:
        results = list(ingest(backend.store, "main", articles.records()))
    assert {"added"} == {result.outcome for result in results}, results
    return [str(result.article_id) for result in results]


def front_matter(fields: dict[str, Any], body: str) -> str:
    # JSON is YAML.
    return f"---\n{orjson.dumps(fields).decode()}\n---\n{body}\n"


def test_hugo_makes_pages_with_their_lists(
    backend: Backend, client: FlaskClient, tmp_path: Path
) -> None:
    hugo = program("hugo")
    shutil.copytree(EXAMPLES / "hugo", tmp_path, dirs_exist_ok=True)
    config = tmp_path / "hugo.toml"
    base = 'baseURL = "https://news.example/"\ntitle = "News"\n'
    config.write_text(base + config.read_text())
    single = tmp_path / "layouts/_default/single.html"
    single.parent.mkdir(parents=True, exist_ok=True)
    single.write_text('<h1>{{ .Title }}</h1>{{ partial "also-see.html" . }}')
    (tmp_path / "layouts/index.html").write_text("home")
    for name, (title, body) in STORIES.items():
        page = tmp_path / f"content/news/{name}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        fields = {"title": title, "date": "2025-03-13T07:12:44Z", "tags": ["Kursk"]}
        page.write_text(front_matter(fields, body))

    def build() -> str:
        command = [hugo, "--source", str(tmp_path), "--destination", str(tmp_path / "public")]
        subprocess.run(command, capture_output=True, check=True)
        return (tmp_path / "public/news/kursk/index.html").read_text()

    without = build()
    ids = import_file(backend, tmp_path / "public/articles.jsonl")
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data/related.json").write_bytes(by_id(export_of(client, ids)))
    built = build()
    first = client.get("/v1/main/articles/%2Fnews%2Fkursk%2F/related").json["items"][0]

    assert "also-see" not in without
    assert 4 == built.count("<li>")
    assert f'<li><a href="{first["id"]}">{first["title"]}</a></li>' in built


def test_jekyll_makes_pages_with_their_lists(
    backend: Backend, client: FlaskClient, tmp_path: Path
) -> None:
    jekyll = program("jekyll")
    shutil.copytree(EXAMPLES / "jekyll", tmp_path, dirs_exist_ok=True)
    (tmp_path / "_config.yml").write_text("url: https://news.example\n")
    for folder in ("_posts", "_layouts", "_data"):
        (tmp_path / folder).mkdir()
    layout = "<h1>{{ page.title }}</h1>{% include also-see.html %}"
    (tmp_path / "_layouts/post.html").write_text(layout)
    for name, (title, body) in STORIES.items():
        fields = {"title": title, "date": "2025-03-13 07:12:44 +0000", "layout": "post"}
        (tmp_path / f"_posts/2025-03-13-{name}.md").write_text(front_matter(fields, body))

    def build() -> str:
        command = [jekyll, "build", "--source", str(tmp_path), "-d", str(tmp_path / "_site")]
        subprocess.run(command, capture_output=True, check=True, cwd=tmp_path)
        return (tmp_path / "_site/2025/03/13/kursk.html").read_text()

    without = build()
    ids = import_file(backend, tmp_path / "_site/articles.jsonl")
    (tmp_path / "_data/related.json").write_bytes(by_id(export_of(client, ids)))
    built = build()
    first = client.get("/v1/main/articles/%2F2025%2F03%2F13%2Fkursk/related").json["items"][0]

    assert "also-see" not in without
    assert 4 == built.count("<li>")
    assert f'<li><a href="{first["id"]}.html">{first["title"]}</a></li>' in built
