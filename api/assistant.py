"""
The tools that an assistant has, by the Model Context Protocol (https://modelcontextprotocol.io).

They ask a running service over HTTP, so that an assistant sees what its key allows and no more.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

import httpx2
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from recommender.errors import AlsoSeeError

TIMEOUT_SECONDS = 10.0
READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)
INSTRUCTIONS = (
    "Also See knows the archive of a news site. Its tools find related articles, links for a"
    " draft, and articles by their titles, and explain why an article is in a list."
    " They change nothing. Articles are named by id; take it from another tool's answer."
)

IdArgument = Annotated[str, Field(min_length=1, description="Id of an article")]
Limit = Annotated[int, Field(ge=1, le=20, description="How many articles")]
JsonObject = dict[str, Any]


class NoService(AlsoSeeError):
    """The service does not answer, or does not know the site or the key."""


class Service:
    """
    A running service, as far as the key allows.

    Args:
        url: where it answers, such as `https://related.your.site`.
        key: None for what needs none.
    """

    def __init__(self, url: str, site: str, key: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx2.Client(
            base_url=f"{url.rstrip('/')}/v1/{quote(site, safe='')}",
            headers=headers,
            timeout=TIMEOUT_SECONDS,
        )

    def may_look(self) -> bool:
        """
        Whether the key allows looking at drafts and explanations.

        Raises:
            NoService: naming what is wrong with address, site or key.
        """
        # Any request that needs this scope shows it; this one is cheap.
        answer = self._send("GET", "/search", {"q": "", "limit": 1})
        if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            if "authorization" in self._client.headers:
                raise NoService(_detail(answer))
            return False
        if answer.is_error:
            raise NoService(_detail(answer))
        return True

    def get(self, path: str, query: Mapping[str, Any]) -> JsonObject:
        return self._ask("GET", path, query, None)

    def post(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        return self._ask("POST", path, {}, body)

    def _ask(
        self, method: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any] | None
    ) -> JsonObject:
        try:
            answer = self._send(method, path, query, body)
        except NoService as error:
            raise ToolError(str(error)) from None  # the assistant reads it, and can say so
        if answer.is_error:
            raise ToolError(_detail(answer))
        document: JsonObject = answer.json()
        return document

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Mapping[str, Any] | None = None,
    ) -> httpx2.Response:
        try:
            return self._client.request(method, path, params=query, json=body)
        except httpx2.HTTPError as error:
            raise NoService(f"no answer from {self._client.base_url}: {error}") from None


def _detail(answer: httpx2.Response) -> str:
    """The sentence of a problem document, or the status."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return str(detail or f"{answer.status_code} {answer.reason_phrase}")


def assistant_server(service: Service, version: str) -> MCPServer[Any]:
    """
    A server with the tools that the key of *service* allows.

    Raises:
        NoService: see `Service.may_look`.
    """
    server: MCPServer[Any] = MCPServer("Also See", instructions=INSTRUCTIONS, version=version)
    _add_reading(server, service)
    if service.may_look():
        _add_looking(server, service)
    return server


def _add_reading(server: MCPServer[Any], service: Service) -> None:
    """The tools that need no key."""

    @server.tool(annotations=READ_ONLY)
    def related(article: IdArgument, limit: Limit = 5) -> JsonObject:
        """The articles that are most closely related to a stored article, best first."""
        return _short(service.get(f"/articles/{quote(article, safe='')}/related", {"limit": limit}))

    @server.tool(annotations=READ_ONLY)
    def related_by_address(
        url: Annotated[str, Field(description="Address of an article's page")], limit: Limit = 5
    ) -> JsonObject:
        """The articles that are most closely related to the article at an address."""
        return _short(service.get("/related", {"url": url, "limit": limit}))

    @server.tool(annotations=READ_ONLY)
    def recent(
        limit: Limit = 10,
        section: Annotated[str, Field(description="Only this section; empty for all")] = "",
    ) -> JsonObject:
        """The newest articles."""
        query = {"limit": limit, "section": section} if section else {"limit": limit}
        return _short(service.get("/recent", query))


def _add_looking(server: MCPServer[Any], service: Service) -> None:
    """The tools that need a key with the scope `look`."""

    @server.tool(annotations=READ_ONLY)
    def search(
        words: Annotated[str, Field(description="Words of a title, an id or an address")],
        limit: Limit = 10,
    ) -> JsonObject:
        """Find articles by words of their titles."""
        return _short(service.get("/search", {"q": words, "limit": limit}))

    @server.tool(annotations=READ_ONLY)
    def explain(article: IdArgument, target: IdArgument) -> JsonObject:
        """Why the target is in the list of related articles of an article, or is not."""
        path = f"/articles/{quote(article, safe='')}/related/explain"
        return service.get(path, {"target": target})

    @server.tool(annotations=READ_ONLY)
    def links_for_draft(
        title: Annotated[str, Field(description="Title of the draft; may be empty")],
        body: Annotated[str, Field(description="Text or HTML of the draft")],
        limit: Limit = 5,
    ) -> JsonObject:
        """
        Older articles that a draft could link to, each with the phrase of the draft to link.

        `duplicates` names articles that tell the same story already.
        """
        return service.post("/links", {"title": title, "body": body, "limit": limit})


SHOWN = ("id", "title", "url", "published_at", "section", "excerpt", "reason", "score")


def _short(answer: JsonObject) -> JsonObject:
    """A list without details that an assistant does not need, such as sizes of pictures."""
    items = [_filled(item) for item in answer["items"]]
    rest: JsonObject = {name: answer[name] for name in ("source", "total") if name in answer}
    return rest | {"items": items}


def _filled(item: JsonObject) -> JsonObject:
    """The parts of an item that a model needs, without empty ones."""
    return {name: item[name] for name in SHOWN if item.get(name)}
