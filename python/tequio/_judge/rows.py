"""Pairs as lines of a result, written a second time and on purpose: what the cluster writes is
compared with this, byte for byte."""

import base64
import json

from .._values.errors import TaskError
from .._values.json_text import float_text


def part_of(output, rows):
    """The bytes of a part with these rows."""
    if not rows:
        return b""
    text = "".join(rows)
    # Halves of one character that have met are that character.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if output != "text":
        return "".join(map(_escaped, text)).encode()
    try:
        return text.encode()
    except UnicodeEncodeError:
        text = f'a lone surrogate cannot be written as {output}; use output="ndjson"'
        raise TaskError("user-error", text) from None


def _escaped(character):
    return f"\\u{ord(character):04x}" if "\ud800" <= character <= "\udfff" else character


def row_line(output, key, value):
    """One pair."""
    if output != "text":
        return f'{{"key":{as_json(key)},"value":{as_json(value)}}}\n'
    return f"{_text(key)}\t{_text(value)}\n"


def as_json(value):
    """JSON of a value that travels."""
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            text = f"{value} cannot be stored in a result, which is JSON"
            raise TaskError("user-error", text)
        return float_text(value)
    if isinstance(value, bytes):
        return f'"{base64.b64encode(value).decode()}"'
    if isinstance(value, list):
        return f"[{','.join(map(as_json, value))}]"
    members = [f"{as_json(name)}:{as_json(item)}" for name, item in value.items()]
    return f"{{{','.join(members)}}}"


def _text(value):
    if not isinstance(value, str):
        return as_json(value)
    escapes = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return "".join(escapes.get(character, character) for character in value)
