"""
Texts as lists of blocks: how editors of newer systems save them.

Portable Text (Sanity), ProseMirror and TipTap, Editor.js, Lexical (Ghost, WordPress' apps) and Arc
XP all nest objects with text in them. So do APIs that send one string for each paragraph.
"""

MAX_DEPTH = 20
# Where an object has its inner blocks or its text; the first that is there.
_INNER = ("root", "blocks", "children", "content", "text", "data", "html")
_SPANS = ("span", "text", "link")


def text_of_blocks(value: object, depth: int = 0) -> str:
    """The text, with a blank line between blocks; empty where there is none."""
    if isinstance(value, str):
        return value
    if depth == MAX_DEPTH:
        return ""
    if isinstance(value, dict):
        inner = next((value[name] for name in _INNER if name in value), None)
        return text_of_blocks(inner, depth + 1)
    if isinstance(value, list):
        texts = [text_of_blocks(one, depth + 1) for one in value]
        return ("" if all(map(_is_span, value)) else "\n\n").join(filter(None, texts))
    return ""


def _is_span(value: object) -> bool:
    """Whether this is part of a line, such as a word in bold."""
    return isinstance(value, dict) and (value.get("type") or value.get("_type")) in _SPANS
