"""One spelling for the URL of an article, however the page was reached."""

import re
from collections.abc import Collection
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit

from recommender.errors import InvalidInput

MAX_URL_CHARS = 2000
_PATH_CHARS = "/:@!$&'()*+,;="
_HOST_END = re.compile(r"[/?]")
_TRACKING = re.compile(
    r"utm_.*|fbclid|gclid|dclid|msclkid|yclid|twclid|mc_[ce]id|igshid|_ga|_gl|ref|ref_src|cmpid|ocid"
)


def is_on(url: str, hosts: Collection[str]) -> bool:
    """Whether *url* is http or https, on one of *hosts* (without `www.`) if there are any."""
    try:
        address = normalize_url(url)
    except InvalidInput:
        return False
    return not hosts or _HOST_END.split(address, maxsplit=1)[0] in hosts


def normalize_url(url: str) -> str:
    """
    Return host, path and meaning parameters of *url*: what two links to one article share.

    Scheme, `www.`, port 80 or 443, trailing slash, fragment, tracking parameters, the order
    of parameters and needless percent-encoding do not count; the case of the path does.

    Raises:
        InvalidInput: for anything but an absolute http or https URL.
    """
    try:
        url.encode()  # a lone surrogate is not text
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if len(url) > MAX_URL_CHARS or not host or parts.scheme.lower() not in ("http", "https"):
        raise InvalidInput.at("url", "expected an absolute http or https URL")
    shown_port = "" if port in (None, 80, 443) else f":{port}"
    # As bytes: old archives encode names in Latin-1 or GBK, and not every byte is a character.
    path = quote(unquote_to_bytes(parts.path), safe=_PATH_CHARS).rstrip("/")
    pairs = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
    kept = sorted(pair for pair in pairs if not _TRACKING.fullmatch(pair[0].lower()))
    query = f"?{urlencode(kept, errors='surrogateescape')}" if kept else ""
    return f"{host.removeprefix('www.')}{shown_port}{path}{query}"
