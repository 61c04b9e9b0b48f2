"""Addresses of articles: one normal form for each page, and the variants that readers may use."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, unquote_to_bytes, urlencode, urlsplit

from features.errors import InvalidInput

MAX_URL_CHARS = 2000
MAX_FORMS = 24  # in which one address is looked up
MAX_DOUBTFUL = 4  # parameters of which every combination is tried
_PATH_CHARS = "/:@!$&'()*+,;="
_HOST_END = re.compile(r"[/?#]")
_DEFAULT_PORTS = (None, 80, 443)
_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;?]*", re.IGNORECASE)

# Parameters that campaigns, clicks and mail programs append, by their registered names. No archive
# uses one of these to tell its pages apart.
_TRACKING = re.compile(
    r"utm_.*|mtm_.*|pk_.*|piwik_.*|matomo_.*|at_.*|ns_.*|hsa_.*|itm_.*|oly_.*|vero_.*|gad_.*"
    r"|fb_.*|guce_.*|elq.*|wicked.*|_branch_.*|_x_tr_.*|cx_.*|wt[_.].*|sc_.*|__hs.*|__cf_.*"
    r"|(?:fbc|gc|dc|yc|ysc|twc|ttc)lid|(?:igsh|gbra|wbra|msclk|srslt|cmp|oc|ic|nc|ta)id"
    r"|gclsrc|igsh|li_fat_id|rdt_cid|mc_[ce]id|mkt_tok|_hsenc|_hsmi|hsctatracking|_g[al]|_k[ex]"
    r"|xtor|epik|dicbo|tblci|oborigurl|sfnsn|mibextid|ck_subscriber_id|ml_subscriber.*|__s"
    r"|_openstat|__twitter_impression|guccounter|ref_(?:src|url)|smid|smtyp|smprod|ftag|ito|cvid"
    r"|wprov|isappinstalled|replytocom|preview|preview_id|preview_nonce|trkcampaign|utm-.*|gaa_.*"
    r"|sfmc_.*|gs_lc?p?|ved|s_kwcid|ef_id|rb_clickid|xnpe_tifc|zanpid|dm_i|email_hash|sms_source"
)
# Parameters that may be tracking or a view of a page, but may also tell one page from another.
_PERHAPS_TRACKING = re.compile(
    r"ref|referr?er|source|src|from|via|s|t|si|sid|share|shared|cmp|campaign|medium|feature|trk|spm"
    r"|scm|mbid|mod|nr|rss|feed|cachebust|cb|_|v|ver|nocache|rand|ts|timestamp|partner|aff|intcid"
    r"|lang|hl|locale|edition|page|paged|pg|print|view|format|amp|output|outputtype|embed|single"
    r"|singlepage|noredirect|comments?|showcomments|phpsessid|sessionid|token|s?_?cid|campaign_?id"
    r"|tpcc|trkid|linkid|esrc|sref|sh|rdid|pgtype|bxid|cndid|sr_share|fromsource"
)
_AMP = {("amp", ""), ("amp", "1"), ("output", "amp"), ("outputtype", "amp"), ("view", "amp")}
_AMP_PATH = re.compile(r"/amp$|\.amp(?=\.html?$|$)")
_VIEW_PATH = re.compile(
    r"/(?:amp|feed|embed|print|page/[0-9]{1,3}|[0-9]{1,2}|comment-page-[0-9]{1,4})$|\.amp(?=\.html?$|$)"
    r"|/(?:index|default)\.(?:html?|php|aspx?)$"
)
_DEVICE_HOST = re.compile(r"^(?:m|mobile|amp|touch|wap)\.(?=.*\.)")
_SIMPLE = re.compile(
    r"https?://(?:www\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)((?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*)/?"
)
_PAGE_FILE = re.compile(r"\.(?:html?|php|aspx?)$")
# Copies of pages on the hosts of AMP caches, with the publisher's address in the path.
_CACHED = re.compile(r"/[acv](?:/s)?/(?P<host>[^/]+)(?P<path>/.*)?")
_TRANSLATED_HOST = ".translate.goog"
_AMP_CACHE_HOST = ".cdn.ampproject.org"
# Pages of search engines that show a copy, with the publisher's address in the path.
_VIEWER = re.compile(r"(?:google\.[a-z.]{2,6}/amp|bing-amp\.com/c)/(?:s/)?(?=[^/]+\.)")
_COPYING_HOSTS = (_TRANSLATED_HOST, _AMP_CACHE_HOST)


class Address(NamedTuple):
    """
    An address, reduced to the parts that tell pages apart.

    Fields:
        host: in the form that browsers request, without `www.`; with its port, unless that is 80 or
            443.
        path: percent-encoded, without a slash at its end.
        query: sorted.
        fragment: for pages that a script loads, such as `#/news/7`; empty otherwise.
    """

    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    fragment: str

    def __str__(self) -> str:
        encoded = urlencode(self.query, errors="surrogateescape")
        return f"{self.host}{self.path}{'?' if encoded else ''}{encoded}{self.fragment}"

    def plain(self) -> "Address":
        """The address without parameters that may be tracking."""
        kept = tuple(pair for pair in self.query if not _may_track(pair[0]))
        return self._replace(query=kept)


class LookupForm(NamedTuple):
    """
    One form in which an address is looked up.

    Fields:
        address: the form.
        is_plain: whether the form has no parameter that may be tracking.
        has_dropped: whether such a parameter was left out to make it.
    """

    address: str
    is_plain: bool
    has_dropped: bool


def is_on(url: str, hosts: Collection[str]) -> bool:
    """Whether *url* is http or https, on one of *hosts* (as `Address.host`) if any are given."""
    try:
        host = parse_url(url).host
    except InvalidInput:
        return False
    return not hosts or host in hosts


def normalize_url(url: str) -> str:
    """
    Return the normal form of an address, which links to the same page share.

    It ignores the scheme, `www.`, the ports 80 and 443, slashes at the end, the fragment, tracking
    parameters, the order of parameters, needless percent-encoding and the form of an international
    host. It keeps the case of the path, and parameters that only may be tracking.

    Raises:
        InvalidInput: for anything but an absolute http or https URL.
    """
    return str(parse_url(url))


def plain_url(url: str) -> str:
    """`normalize_url` without parameters that may be tracking."""
    return str(parse_url(url).plain())


def page_key(url: str) -> str:
    """
    The normal form of the page itself, which its versions for phones and AMP share.

    Raises InvalidInput, as `normalize_url` does.
    """
    # Most addresses are simple, and this way takes a fifth of the time.
    simple = _SIMPLE.fullmatch(url)
    if simple is not None and not simple[1].endswith(_COPYING_HOSTS):
        return _DEVICE_HOST.sub("", simple[1]) + _AMP_PATH.sub("", simple[2])
    address = parse_url(url)
    query = tuple(pair for pair in address.query if _folded(pair) not in _AMP)
    return str(
        address._replace(
            host=_DEVICE_HOST.sub("", address.host),
            path=_AMP_PATH.sub("", address.path),
            query=query,
        )
    )


def lookup_forms(url: str) -> list[LookupForm]:
    """
    The forms in which to look up the article at *url*, the most exact first.

    Which of them can be trusted depends on how the archive tells its pages apart, see
    `Store.id_of_url`. Raises InvalidInput, as `normalize_url` does.
    """
    address = _viewed(parse_url(url))
    forms: dict[str, LookupForm] = {}
    for variant in _variants(address):
        for form in _without_some_tracking(variant):
            forms.setdefault(form.address, form)
    return list(forms.values())[:MAX_FORMS]


def _viewed(address: Address) -> Address:
    """The page that a search engine shows at *address*; only for looking up, as hosts may lie."""
    viewer = _VIEWER.match(str(address))
    return parse_url(f"https://{str(address)[viewer.end() :]}") if viewer else address


def ascii_host(host: str) -> str:
    """An international host name in the form that browsers request (IDNA 2008 and UTS 46)."""
    host = host.rstrip(".").lower()
    if host.isascii():
        return host
    import idna

    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:  # for example emoji, which browsers encode nevertheless
        normal = unicodedata.normalize("NFKC", host).lower().replace("。", ".")
        return ".".join(map(_ascii_label, normal.split(".")))


@lru_cache(maxsize=64)  # an import needs it three times for each article
def parse_url(url: str) -> Address:
    """Raises InvalidInput for anything but an absolute http or https URL."""
    try:
        url.encode()  # a lone surrogate is not text
        parts = urlsplit(url.strip())
        port = parts.port
        host = ascii_host(_decoded_host(parts.hostname or ""))
    except ValueError:
        host = ""
        port = None
        parts = urlsplit("")
    if len(url) > MAX_URL_CHARS or not host or parts.scheme.lower() not in ("http", "https"):
        raise InvalidInput.at("url", "expected an absolute http or https URL")
    path = _SESSION.sub("", parts.path)
    host, path = _unwrapped(host, path)
    host = host.removeprefix("www.")
    shown_port = "" if port in _DEFAULT_PORTS else f":{port}"
    return Address(
        f"{host}{shown_port}", _path(path), _query(parts.query), _fragment(parts.fragment)
    )


def _decoded_host(host: str) -> str:
    """The host of `https://b%C3%BCcher.example/`, which browsers decode."""
    decoded = unquote(host)
    return host if decoded.isascii() or _HOST_END.search(decoded) else decoded


def _ascii_label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode()


def _unwrapped(host: str, path: str) -> tuple[str, str]:
    """The publisher's host and path, for a page in an AMP cache or a translation service."""
    if host.endswith(_TRANSLATED_HOST):
        labels = host.removesuffix(_TRANSLATED_HOST).replace("--", "\0").replace("-", ".")
        return labels.replace("\0", "-"), path
    cached = _CACHED.fullmatch(path) if host.endswith(_AMP_CACHE_HOST) else None
    if cached is not None:
        return cached["host"].lower(), cached["path"] or ""
    return host, path


def _path(path: str) -> str:
    # As bytes, because old archives encode names in Latin-1 or GBK.
    octets = unquote_to_bytes(path)
    if not octets.isascii():
        with suppress(UnicodeDecodeError):
            octets = unicodedata.normalize("NFC", octets.decode()).encode()
    return quote(_without_dots(octets), safe=_PATH_CHARS).rstrip("/")


def _without_dots(path: bytes) -> bytes:
    """RFC 3986, section 5.2.4."""
    if b"/." not in path:
        return path
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del kept[max(len(kept) - 1, 1) :]
        elif segment != b".":
            kept.append(segment)
    return b"/".join(kept)


def _query(query: str) -> tuple[tuple[str, str], ...]:
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    return tuple(sorted(pair for pair in pairs if not _TRACKING.fullmatch(pair[0].lower())))


def _fragment(fragment: str) -> str:
    """The fragment if it is a path itself, as for pages that a script loads; else empty."""
    fragment = fragment.partition(":~:")[0]
    mark = "!" if fragment.startswith("!") else ""
    route, _, query = fragment.removeprefix("!").partition("?")
    if not mark and not route.startswith("/"):
        return ""
    path = _path(route if route.startswith("/") else f"/{route}")
    encoded = urlencode(_query(query), errors="surrogateescape")
    return f"#{mark}{path}{'?' if encoded else ''}{encoded}" if path or encoded else ""


def _may_track(name: str) -> bool:
    return _PERHAPS_TRACKING.fullmatch(name.lower()) is not None


def _folded(pair: tuple[str, str]) -> tuple[str, str]:
    return pair[0].lower(), pair[1].lower()


def _without_some_tracking(address: Address) -> Iterator[LookupForm]:
    """The address with fewer and fewer of the parameters that may be tracking."""
    doubtful = [pair for pair in address.query if _may_track(pair[0])]
    for count in range(len(doubtful) + 1):
        if 0 < count < len(doubtful) and len(doubtful) > MAX_DOUBTFUL:
            continue  # bounds the cost of malicious queries
        for dropped in combinations(doubtful, count):
            kept = tuple(pair for pair in address.query if pair not in dropped)
            form = address._replace(query=kept)
            yield LookupForm(str(form), count == len(doubtful), count > 0)


def _variants(address: Address) -> Iterator[Address]:
    """Other addresses of the same page, those with the fewest differences first."""
    hosts = list(dict.fromkeys((address.host, _DEVICE_HOST.sub("", address.host))))
    paths = list(dict.fromkeys(_path_variants(address.path)))
    yield address
    for distance in range(1, len(hosts) + len(paths)):
        for number, host in enumerate(hosts):
            if 0 <= distance - number < len(paths):
                yield address._replace(host=host, path=paths[distance - number])


def _path_variants(path: str) -> Iterator[str]:
    yield path
    base = _VIEW_PATH.sub("", path)
    yield base
    yield re.sub(r"/{2,}", "/", base)
    yield base.removeprefix("/amp") if base.startswith("/amp/") else base
    yield re.sub(r"(?:%20)+$", "", base)
    yield _PAGE_FILE.sub("", base)
    if base and not _PAGE_FILE.search(base):
        yield base + ".html"
    yield base.lower() if base.isascii() and "%" not in base else base
    octets = unquote_to_bytes(base)
    try:
        octets.decode()
    except UnicodeDecodeError:
        yield quote(octets.decode("latin-1"), safe=_PATH_CHARS)
