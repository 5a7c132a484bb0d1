"""One pair of a result as a line of text, in each of the output formats."""

import re

from .json_text import json_text

CSV_HEADER = "key,value\n"
_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"}
_ESCAPED = re.compile("[\t\n\r\\\\]")
_QUOTED = re.compile('[",\r\n]')


def row_text(output, key, value, where):
    """The line, with its newline. `where` says who made the pair, for the error."""
    if output == "ndjson":
        return f'{{"key":{json_text(key, where)},"value":{json_text(value, where)}}}\n'
    if output == "csv":
        return f"{csv_cell(key, where)},{csv_cell(value, where)}\n"
    return f"{_text_cell(key, where)}\t{_text_cell(value, where)}\n"


def csv_cell(value, where):
    """RFC 4180. None is an empty cell and the empty str `""`; lists and dicts are JSON."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json_text(value, where)
    if text and not _QUOTED.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _text_cell(value, where):
    """Strings as they are, but for tab, newline, carriage return and backslash; else JSON."""
    if not isinstance(value, str):
        return json_text(value, where)
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], value)
