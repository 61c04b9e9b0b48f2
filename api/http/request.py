"""Parts of a request for views: bodies, article ids, parameters, preconditions; and the backend."""

import codecs
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeVar, cast

from flask import current_app, request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from features.values import check_article_id
from recommender.backend import Backend
from recommender.errors import InvalidInput, field_problems
from recommender.sources.records import parse_json

Model = TypeVar("Model", bound=BaseModel)
MAX_BODY_BYTES = 2 * 2**20  # of every route but the bulk upload of articles
_GZIP = b"\x1f\x8b"
NETWORK_BITS = {4: 24, 6: 64}  # what one owner usually has, by version of IP


def backend() -> Backend:
    """The backend of the app that serves the request."""
    return cast(Backend, current_app.extensions["alsosee"])


def client_network() -> str | None:
    """
    The network of the client; None where a proxy does not name it.

    A peer at a private address is taken for a proxy of ours, as `deploy/nginx.conf` does.
    """
    client = _address(request.remote_addr or "")
    if client is None or client.is_private:
        client = _address(request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip())
    if client is None:
        return None
    return str(ip_network((client, NETWORK_BITS[client.version]), strict=False))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def read_json() -> object:
    """
    The body as JSON, which may begin with a byte order mark.

    Raises:
        InvalidInput: for what is no JSON.
        UnsupportedMediaType: for gzip.
    """
    return parse_json(without_mark(read_body()))


def without_mark(text: bytes) -> bytes:
    """
    The beginning of a body without its byte order mark.

    Raises:
        UnsupportedMediaType: for gzip whose sender has not declared it.
    """
    if text.startswith(_GZIP):
        raise UnsupportedMediaType("Expected JSON; this is gzip.")
    return text.removeprefix(codecs.BOM_UTF8)


def read_body() -> bytes:
    """
    The whole body.

    Raises:
        RequestEntityTooLarge: also for a body in chunks, which Werkzeug cuts off at the limit.
    """
    data = request.get_data()
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(data) >= limit:
        raise RequestEntityTooLarge
    return data


def parse_body(model: type[Model], data: object) -> Model:
    """
    A body as *model* describes it; unknown fields are refused, unless its config says otherwise.

    Raises:
        InvalidInput: naming every bad field.
    """
    if not isinstance(data, dict):
        raise InvalidInput.at("", "expected a JSON object")
    extra = model.model_config.get("extra", "forbid")
    try:
        return model.model_validate(data, extra=extra)
    except ValidationError as error:
        raise InvalidInput(field_problems(error)) from None


def parse_query(model: type[Model]) -> Model:
    """
    The query string as *model* describes it; unknown parameters are ignored.

    Raises:
        InvalidInput: naming the first bad parameter.
    """
    texts = {name: single(request.args, name) for name in model.model_fields}
    try:
        return model.model_validate({name: t for name, t in texts.items() if t is not None})
    except ValidationError as error:
        raise InvalidInput(field_problems(error)[:1]) from None


def single(args: "MultiDict[str, str]", name: str) -> str | None:
    """The value of a parameter that may be given once. Raises InvalidInput."""
    values = args.getlist(name)
    if len(values) > 1:
        raise InvalidInput.at(name, "given more than once")
    return values[0] if values else None


def checked_id(article_id: str) -> str:
    """An article's id from a path or a form. Raises InvalidInput."""
    try:
        return check_article_id(article_id)
    except ValueError as error:
        raise InvalidInput.at("id", str(error)) from None


def expected_revisions() -> set[str] | None:
    """The revisions that `If-Match` names; None when any will do."""
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    return request.if_match.as_set(include_weak=True)  # a proxy that compresses makes them weak
