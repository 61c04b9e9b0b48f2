"""The names of HTML elements, by their role in a text, and of character references."""

from html.entities import html5


def names(words: str) -> frozenset[str]:
    return frozenset(words.split())


# The start or end of one of these ends a paragraph.
BLOCKS = names("""
    address article aside blockquote body caption center dd details dialog dir div dl dt
    fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav
    ol p pre section summary table tbody tfoot thead tr ul
""")
# Not prose, or not part of the story: the element is dropped with its content.
DROPPED = names("button canvas form head iframe noscript object select svg template textarea title")
INLINE = names("""
    a abbr acronym amp-img audio b bdi bdo big br cite code data del dfn em embed font i img
    input ins kbd label link mark meta meter nobr output param picture progress q rp rt ruby s
    samp script small source span strike strong style sub sup td th time track tt u var video
    wbr
""")
ELEMENTS = BLOCKS | DROPPED | INLINE


def is_reference(name: str) -> bool:
    """Whether `&name;` is a character reference."""
    return f"{name};" in html5
