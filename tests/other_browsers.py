"""
Firefox and WebKit as Debian has them, driven by the WebDriver commands that both understand.

Playwright drives neither: its WebKit is a build of its own, and it sends Firefox commands that this
one does not know. Firefox takes commands over its Marionette socket, as geckodriver sends them, and
WebKit takes them from WebKitWebDriver over HTTP.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from urllib.request import Request, urlopen

import pytest

PATIENCE_SECONDS = 60
WINDOW = {"width": 1000, "height": 800}
MINI_BROWSERS = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"
PREFERENCES = """
user_pref("marionette.port", 0);
user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "http://127.0.0.1:9");
"""


class OtherBrowser(Protocol):
    """One window."""

    def open(self, address: str) -> None: ...

    def run(self, script: str) -> Any:
        """Run the body of a function in the page, and return what it returns."""

    def screenshot(self) -> str:
        """The window as PNG, in base 64."""


class Marionette:
    """Firefox: a command is `[0, number, name, parameters]` behind its length and a colon."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        self._answers = self._socket.makefile("rb")
        self._numbers = count(1)
        self._read()  # its greeting
        self._command("WebDriver:NewSession")
        self._command("WebDriver:SetWindowRect", **WINDOW)

    def open(self, address: str) -> None:
        self._command("WebDriver:Navigate", url=address)

    def run(self, script: str) -> Any:
        return self._command("WebDriver:ExecuteScript", script=script, args=[], sandbox=None)

    def screenshot(self) -> str:
        picture: str = self._command("WebDriver:TakeScreenshot", full=True)
        return picture

    def close(self) -> None:
        self._answers.close()
        self._socket.close()

    def _command(self, name: str, **parameters: Any) -> Any:
        text = json.dumps([0, next(self._numbers), name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(text), text))
        _, _, error, result = self._read()
        assert not error, error
        return (result or {}).get("value")

    def _read(self) -> Any:
        digits = b""
        while (character := self._answers.read(1)) != b":":
            assert character, "Firefox has closed the connection"
            digits += character
        return json.loads(self._answers.read(int(digits)))


class WebDriver:
    """WebKit, by the WebDriver standard."""

    def __init__(self, port: int, binary: str) -> None:
        self._url = f"http://127.0.0.1:{port}/session"
        options = {"webkitgtk:browserOptions": {"binary": binary, "args": ["--automation"]}}
        session = self._command("POST", "", capabilities={"alwaysMatch": options})
        self._url += f"/{session['sessionId']}"
        self._command("POST", "/window/rect", **WINDOW)

    def open(self, address: str) -> None:
        self._command("POST", "/url", url=address)

    def run(self, script: str) -> Any:
        return self._command("POST", "/execute/sync", script=script, args=[])

    def screenshot(self) -> str:
        picture: str = self._command("GET", "/screenshot")
        return picture

    def close(self) -> None:
        self._command("DELETE", "")

    def _command(self, method: str, path: str, **parameters: Any) -> Any:
        body = json.dumps(parameters).encode() if method == "POST" else None
        with urlopen(Request(self._url + path, body, method=method), timeout=PATIENCE_SECONDS) as r:
            return json.load(r)["value"]


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"NO {name.upper()}: install Debian's package of it")
    return path


@contextmanager
def running(*command: str | Path, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextmanager
def firefox() -> Iterator[OtherBrowser]:
    path = program("firefox-esr")
    with TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as folder:
        profile = Path(folder)
        (profile / "user.js").write_text(PREFERENCES)
        command = (path, "--headless", "--no-remote", "--marionette", "--profile", profile)
        with running(*command, HOME=folder, MOZ_HEADLESS="1") as process:
            port_file = profile / "MarionetteActivePort"
            wait_for(lambda: port_file.exists() and port_file.read_text(), process)
            browser = Marionette(int(port_file.read_text()))
            yield browser
            browser.close()


@contextmanager
def webkit() -> Iterator[OtherBrowser]:
    driver, xvfb = program("WebKitWebDriver"), program("Xvfb")
    binary = next(Path("/").glob(MINI_BROWSERS[1:]), None)
    if binary is None:
        pytest.skip("NO MINIBROWSER: install Debian's webkit2gtk-driver")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="webkit-"))
        screen = stack.enter_context(
            running(xvfb, "-displayfd", "1", "-screen", "0", "1200x1000x24", "-nolisten", "tcp")
        )
        assert screen.stdout is not None
        display = f":{screen.stdout.readline().decode().strip()}"
        process = stack.enter_context(
            running(
                driver,
                f"--port={port}",
                DISPLAY=display,
                HOME=folder,
                GDK_BACKEND="x11",
                LIBGL_ALWAYS_SOFTWARE="1",
            )
        )
        wait_for(lambda: is_open(port), process)
        browser = WebDriver(port, str(binary))
        yield browser
        browser.close()


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(is_ready: Any, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_ready():
        assert process.poll() is None, f"it ended with status {process.returncode}"
        assert time.monotonic() < deadline, "it did not start"
        time.sleep(0.05)
