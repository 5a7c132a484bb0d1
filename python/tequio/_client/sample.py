"""Where the parts of a sort begin: keys that cut a sample of the input into equal shares.

Any keys make a right result; good ones make equal work. So a few thousand records, from places all
over the input, are enough."""

import os
import re
from base64 import b64encode
from typing import Any, Iterator, List, Mapping, Sequence, Tuple

from .._values.errors import TaskError
from .._values.keys import encode_key
from .._worker.lines import Position
from .._worker.records import Reading, reader_of
from .._worker.source import Piece
from .inputs import Found

_PLACES_MAX = 512
_PLACE_BYTES = 8 * 1024
_KEYS_MAX = 32_768
_SPLITTER_MAX_BYTES = 256
_NUMBER = re.compile(r"[ \t]*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")


def splitters_of(
    operator: Mapping[str, Any], reducers: int, found: Sequence[Found]
) -> List[str]:
    """One fewer than there are reducers, in order, as base64."""
    if reducers <= 1:
        return []
    apply, spec = operator["apply"], operator["inputs"]["default"]
    keys: List[bytes] = []
    for data, head in _places(spec, found):
        try:
            keys += _keys_of(spec, apply, (data, head))
        except (TaskError, UnicodeError, re.error):
            # What cannot be read here a worker reports, with its place.
            continue
        if len(keys) >= _KEYS_MAX:
            break
    keys.sort(reverse=apply["order"] == "descending")
    cuts = [keys[(n + 1) * len(keys) // reducers] if keys else b"" for n in range(reducers - 1)]
    return [b64encode(key).decode() for key in cuts]


def _places(spec: Mapping[str, Any], found: Sequence[Found]) -> Iterator[Tuple[bytes, bytes]]:
    """Whole records at equal distances in all files, and the first line of each file. Of compressed
    files none, whose records go where others leave room."""
    total = sum(file.size_bytes for file in found)
    every = max(_PLACE_BYTES, -(-total // _PLACES_MAX))
    due = before = 0
    for file in found:
        while due < before + file.size_bytes:
            at = due - before
            due += every
            only_start = spec["format"] == "csv" and spec["multiline"]
            if file.compression != "none" or (only_start and at > 0):
                continue
            with open(file.path, "rb") as opened:
                head = opened.readline(64 * 1024)
                data = _records_at(spec, opened, at)
            if data:
                yield data, head
        before += file.size_bytes


def _records_at(spec: Mapping[str, Any], opened: Any, at: int) -> bytes:
    if spec["format"] == "records":
        size = spec["sizeBytes"]
        opened.seek(at - at % size)
        data = opened.read(max(_PLACE_BYTES, size))
        return data[: len(data) - len(data) % size]
    opened.seek(max(0, at - 1))
    if at > 0:
        opened.readline(1024 * 1024)
    elif spec["format"] == "csv" and spec["header"]:
        opened.readline(64 * 1024)
    data = opened.read(_PLACE_BYTES)
    end = data.rfind(b"\n") + 1
    return data[:end] if end and opened.tell() < os.fstat(opened.fileno()).st_size else data


class _Held:
    """The bytes of one place, as the source of a map task."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self) -> bytes:
        """All of them, then none."""
        data, self._data = self._data, b""
        return data


_Plain = Mapping[str, Any]
_Place = Tuple[bytes, bytes]


def _keys_of(spec: _Plain, apply: _Plain, place: _Place) -> Iterator[bytes]:
    data, head = place
    if spec["format"] == "records":
        size, (start, end) = spec["sizeBytes"], spec["key"]
        for at in range(0, len(data), size):
            yield data[at + start : at + end][:_SPLITTER_MAX_BYTES]
        return
    if spec["format"] == "lines" and not apply["by"]:
        for line in data.rstrip(b"\n").split(b"\n"):
            yield line[:_SPLITTER_MAX_BYTES]
        return
    # Behind the start of a file there is no header.
    piece = Piece(0, 1, head)
    reading = Reading(_Held(data), Position(), lambda text, problem: None)
    pattern = re.compile(spec["pattern"]) if spec["format"] == "match" else None
    for records in reader_of(spec, pattern, reading)(piece):
        for record in records:
            yield encode_key(_key_of(record, apply), "sort")[:_SPLITTER_MAX_BYTES]


def _key_of(record: Any, apply: Mapping[str, Any]) -> Any:
    parts = []
    for column in apply["by"]:
        value = record[column] if isinstance(record, dict) else record
        if apply["numeric"]:
            value = _number(value)
        elif isinstance(value, (dict, list)):
            value = str(value)
        parts.append(value)
    return parts[0] if len(parts) == 1 else parts


def _number(value: Any) -> Any:
    if isinstance(value, (int, float)) or value is None:
        return value
    found = _NUMBER.match(str(value))
    return None if found is None else float(found[1])
