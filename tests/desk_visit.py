"""A visit to the editor's desk by a browser without scripts."""

import re
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from recommender.backend import Backend

ORIGIN = {"Origin": "http://localhost"}
_FIELD = re.compile(r'<input[^>]*\bname="([^"]*)"[^>]*\bvalue="([^"]*)"')


class DeskVisit:
    """
    Signs in with its own key, and sends the forms of pages.

    Attributes:
        key: the key signed in with.
    """

    def __init__(
        self, client: FlaskClient, backend: Backend, role: str = "edit", name: str = "Ana"
    ) -> None:
        self.client = client
        self.key = backend.keys.create("main", [role], "a key")
        self.name = name

    def sign_in(self, target: str = "", **more: str) -> TestResponse:
        token = fields_of(self.client.get("/editor/?other").text)["csrf"]
        sent = {"key": self.key, "name": self.name, "csrf": token, "target": target}
        return self.client.post("/editor/", data={**sent, **more}, headers=ORIGIN)

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.client.get(f"/editor/main{path}", query_string=query)

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form of a page of this session."""
        sent = {"csrf": self.token(), **fields}
        return self.client.post(f"/editor/main{path}", data=sent, headers=ORIGIN)

    def token(self) -> str:
        return fields_of(self.get("/").text)["csrf"]


def fields_of(page: str) -> dict[str, str]:
    """The inputs of a page with their values. Of several with one name, the last is taken."""
    return {unescape(name): unescape(value) for name, value in _FIELD.findall(page)}
