"""
Markdown in a field of a record, as plain text.

Files of static sites are parsed in full, in a process that can be stopped (`posts`). A field of one
of many records is not worth that: here a few patterns, which take linear time, drop the marks.
"""

import re

# Names of fields whose text is Markdown, folded.
MARKDOWN_NAMES = {"markdown", "bodymarkdown", "contentmarkdown", "bodymd", "contentmd"}
_ADDRESS = r"\([^()\n]{0,2000}\)"
_IMAGE = re.compile(rf"!\[[^\[\]\n]{{0,500}}\]{_ADDRESS}")
_LINK = re.compile(rf"\[([^\[\]\n]{{1,500}})\](?:{_ADDRESS}|\[[^\[\]\n]{{0,200}}\])")
_LINE_START = re.compile(r"^[ \t]{0,8}(?:#{1,6}[ \t]+|>[ \t]?|[*+-][ \t]+(?=\S))", re.MULTILINE)
_EMPHASIS = re.compile(r"(\*\*|__|~~|\*|`)(?=\S)([^\n*~`]{1,500})(?<=\S)\1")


def text_of_markdown(text: str) -> str:
    """The text without pictures, addresses and marks."""
    text = _LINK.sub(r"\1", _IMAGE.sub("", text))
    return _EMPHASIS.sub(r"\2", _LINE_START.sub("", text))
