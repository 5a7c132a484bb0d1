"""One pair of a result as a line, as tasks write it: text, or JSON of which clients make tables."""

import re

from .json_text import json_text

_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"}
_ESCAPED = re.compile("[\t\n\r\\\\]")


def line_format(output):
    """How tasks write a result: "text" as such, all else as "ndjson"."""
    return "text" if output == "text" else "ndjson"


def row_text(output, key, value, where):
    """The line, with its newline. `where` says who made the pair, for the error."""
    if line_format(output) == "ndjson":
        return f'{{"key":{json_text(key, where)},"value":{json_text(value, where)}}}\n'
    return f"{_text_cell(key, where)}\t{_text_cell(value, where)}\n"


def _text_cell(value, where):
    """Strings as they are, but for tab, newline, carriage return and backslash; else JSON."""
    if not isinstance(value, str):
        return json_text(value, where)
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], value)
