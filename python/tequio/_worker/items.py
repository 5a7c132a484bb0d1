"""The items of a `tasks` job: a file with one JSON text a line, read where it is needed."""

import hashlib
import json
import os
from array import array
from zlib import crc32

from .._values.errors import TaskError, damaged

_BLOCK_LINES = 64
_CHUNK_BYTES = 256 * 1024
_BLOCK_MAX_BYTES = 256 * 1024 * 1024


def open_items(given):
    """Items that are handed over as text, or lie in a file."""
    if "text" in given:
        lines = given["text"].split("\n")
        return TextItems(lines[:-1] if lines[-1] == "" else lines)
    return FileItems(given["path"], given["hash"])


_scan = json.JSONDecoder().scan_once


def _parsed(line):
    """As `json.loads`, which looks for encodings and blanks first: those who wrote the line left
    none."""
    try:
        value, end = _scan(line, 0)
        if end == len(line):
            return value
    except StopIteration:
        pass
    return json.loads(line)


def _no_item(index, count):
    return TaskError("data-lost", f"item {index} of a list of {count}")


class TextItems:
    """A short list."""

    def __init__(self, lines):
        self._lines = lines

    def item(self, index):
        """The item, parsed anew on each call."""
        if index >= len(self._lines):
            raise _no_item(index, len(self._lines))
        return _parsed(self._lines[index])

    def close(self):
        """Nothing is open."""


class FileItems:
    """The start of every 64th line is remembered, and the checksum of the lines between."""

    def __init__(self, path, expected):
        self._descriptor = os.open(path, os.O_RDONLY)
        self._starts = array("Q", [0])
        self._sums = []
        self._block = -1
        self._lines = []
        self._count = self._scan(expected)

    def item(self, index):
        """As of `TextItems`."""
        if index >= self._count:
            raise _no_item(index, self._count)
        block = index // _BLOCK_LINES
        if block != self._block:
            self._read(block)
        line = self._lines[index % _BLOCK_LINES]
        return _parsed(line.decode("utf-8", "surrogatepass"))

    def close(self):
        """Closes the file."""
        os.close(self._descriptor)

    def _scan(self, expected):
        digest = hashlib.sha256()
        lines = total = offset = 0
        last = b"\n"
        while True:
            chunk = os.pread(self._descriptor, _CHUNK_BYTES, offset)
            if not chunk:
                break
            digest.update(chunk)
            summed = 0
            at = chunk.find(b"\n") + 1
            while at > 0:
                lines += 1
                if lines % _BLOCK_LINES == 0:
                    self._starts.append(offset + at)
                    self._sums.append(crc32(chunk[summed:at], total))
                    summed, total = at, 0
                at = chunk.find(b"\n", at) + 1
            total = crc32(chunk[summed:], total)
            offset += len(chunk)
            last = chunk[-1:]
        if digest.hexdigest() != expected:
            raise damaged("the list of items is not what was fetched")
        if self._starts[-1] != offset:
            self._starts.append(offset)
            self._sums.append(total)
        return lines if last == b"\n" else lines + 1

    def _read(self, block):
        start = self._starts[block]
        size = self._starts[block + 1] - start
        if size > _BLOCK_MAX_BYTES:
            text = f"{_BLOCK_LINES} items take {size} bytes, of at most {_BLOCK_MAX_BYTES}"
            raise TaskError("limit-exceeded", f"{text}; put large items in files")
        parts = []
        while size > 0:
            part = os.pread(self._descriptor, size, start)
            if not part:
                raise TaskError("data-lost", "the list of items has become shorter")
            parts.append(part)
            start += len(part)
            size -= len(part)
        data = b"".join(parts)
        if crc32(data) != self._sums[block]:
            raise damaged("items have changed since the start")
        self._lines = data.split(b"\n")
        self._block = block
