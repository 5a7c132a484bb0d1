"""Where the parts of a sort begin: keys that cut a sample of the input into equal shares.

Any keys make a right result; good ones make equal work. So a few thousand records, from places all
over the input, are enough."""

import io
import re
import zlib
from base64 import b64encode
from itertools import islice
from typing import Any, Iterator, List, Mapping, Sequence, Tuple

from .._values.errors import TaskError
from .._values.keys import encode_key
from .._worker.lines import Position
from .._worker.records import Reading, reader_of
from .._worker.source import Piece
from .inputs import Found

_PLACES_MAX = 512
_PLACE_BYTES = 8 * 1024
# Of a compressed file only the beginning can be looked at: so much of it, and of what it gives.
_PACKED_BYTES = 64 * 1024
_UNPACKED_MAX_BYTES = 1024 * 1024
_LINE_MAX_BYTES = 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
# Keys that are kept: of all places together, unless each has only so few. Neighbours are alike in
# many files: more places tell more than more keys of each.
_KEYS_MAX = 32_768
_KEYS_OF_PLACE_MIN = 8
# So many for each partition make the largest a few percent larger than it would be at best.
_KEYS_OF_PARTITION = 1024
_SPLITTER_MAX_BYTES = 256
_NUMBER = re.compile(r"[ \t]*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")

_Plain = Mapping[str, Any]
_Place = Tuple[bytes, bytes]


def splitters_of(
    operator: Mapping[str, Any], reducers: int, found: Sequence[Found]
) -> List[str]:
    """One fewer than there are reducers, in order, as base64."""
    if reducers <= 1:
        return []
    apply, spec = operator["apply"], operator["inputs"]["default"]
    places = _places(spec, found)
    wanted = min(_KEYS_MAX, _KEYS_OF_PARTITION * reducers)
    most = max(_KEYS_OF_PLACE_MIN, -(-wanted // max(1, len(places))))
    keys: List[bytes] = []
    for file, at in places:
        try:
            keys.extend(islice(_keys_of(spec, apply, _read(spec, file, at)), most))
        except (TaskError, UnicodeError, re.error, zlib.error):
            # What cannot be read here a worker reports, with its place.
            continue
    keys.sort(reverse=apply["order"] == "descending")
    cuts = [keys[(n + 1) * len(keys) // reducers] if keys else b"" for n in range(reducers - 1)]
    return [b64encode(key).decode() for key in cuts]


def _places(spec: Mapping[str, Any], found: Sequence[Found]) -> List[Tuple[Found, int]]:
    """At equal distances in all files, as if they were one."""
    total = sum(file.size_bytes for file in found)
    every = max(_PLACE_BYTES, -(-total // _PLACES_MAX))
    # Where rows go over several lines, none can be found from the middle of a file.
    only_starts = spec["format"] == "csv" and spec["multiline"]
    places = []
    due = before = 0
    for file in found:
        while due < before + file.size_bytes:
            at = due - before
            due += every
            if at == 0 or not (only_starts or file.compression != "none"):
                places.append((file, at))
        before += file.size_bytes
    return places


def _read(spec: Mapping[str, Any], file: Found, at: int) -> Tuple[bytes, bytes]:
    """Whole records of a place, and the first line of the file. Of a compressed file those of its
    beginning, of one that nothing here decompresses none: they go where others leave room."""
    with open(file.path, "rb") as opened:
        source: Any = opened
        if file.compression != "none":
            packed = opened.read(_PACKED_BYTES) if file.compression == "gzip" else b""
            source = io.BytesIO(zlib.decompressobj(_GZIP).decompress(packed, _UNPACKED_MAX_BYTES))
        head = source.readline(64 * 1024)
        most = _PLACE_BYTES if source is opened else _UNPACKED_MAX_BYTES
        return _records_at(spec, source, at, most), head


def _records_at(spec: _Plain, opened: Any, at: int, most: int) -> bytes:
    if spec["format"] == "records":
        size = spec["sizeBytes"]
        opened.seek(at - at % size)
        data = opened.read(max(most, size))
        return data[: len(data) - len(data) % size]
    opened.seek(max(0, at - 1))
    if at > 0 and not opened.readline(_LINE_MAX_BYTES).endswith(b"\n"):
        return b""
    if at == 0 and spec["format"] == "csv" and spec["header"]:
        opened.readline(64 * 1024)
    # The last line to its end.
    return opened.read(most) + opened.readline(_LINE_MAX_BYTES)


class _Held:
    """The bytes of one place, as the source of a map task."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self) -> bytes:
        """All of them, then none."""
        data, self._data = self._data, b""
        return data


def _keys_of(spec: _Plain, apply: _Plain, place: _Place) -> Iterator[bytes]:
    data, head = place
    if not data:
        return
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
