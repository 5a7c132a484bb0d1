"""Values as JSON text, for results. Nothing is changed silently: what JSON cannot express is a
`user-error`. bytes become base64, dates their ISO text, whole numbers keep all their digits.

A float is written as TypeScript writes the number, and stays a float: 2.0 is `2.0`."""

import math
import re
from base64 import b64encode
from datetime import date, time
from json.encoder import encode_basestring as quoted

from .refusal import DEPTH_MAX, refusal
from .text import paired

_HALVES = re.compile("[\ud800-\udfff]")


class JsonText(str):
    """A value that its maker has made JSON of already, in one line."""


def json_text(value, where):
    """The text, in one line. `where` says who made the value."""
    if type(value) is JsonText:
        return value
    text = _write(value, 0)
    if text is None:
        raise refusal(value, where, True)
    return text


def json_bytes(text):
    """UTF-8 of JSON texts; half characters are escaped."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", paired(text)).encode()


def json_size(text):
    """Bytes of a JSON text in UTF-8."""
    return len(text) if text.isascii() else len(json_bytes(text))


def _write(value, depth):
    """None when something in the value is refused."""
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float_text(value) if math.isfinite(value) else None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f'"{b64encode(value).decode()}"'
    if depth > DEPTH_MAX:
        return None
    if isinstance(value, (list, tuple)):
        parts = [_write(one, depth + 1) for one in value]
        return None if None in parts else f"[{','.join(parts)}]"
    if isinstance(value, dict):
        return _write_dict(value, depth)
    return quoted(value.isoformat()) if isinstance(value, (date, time)) else None


def _write_dict(value, depth):
    parts = []
    for name, item in value.items():
        inner = _write(item, depth + 1)
        if inner is None or not isinstance(name, str):
            return None
        parts.append(f"{quoted(name)}:{inner}")
    return f"{{{','.join(parts)}}}"


def float_text(value):
    """The shortest digits that read back as this float; exponents as in TypeScript."""
    text = float.__repr__(value)
    if "e" not in text:
        # Python changes to an exponent below 1e-4, TypeScript below 1e-6.
        return text
    digits, exponent = text.split("e")
    power = int(exponent)
    if -7 < power < 0:
        sign, digits = ("-", digits[1:]) if digits[0] == "-" else ("", digits)
        return f"{sign}0.{'0' * (-power - 1)}{digits.replace('.', '')}"
    return f"{digits}e{'+' if power > 0 else '-'}{abs(power)}"
