"""Cuts the bytes of a piece into lines: the innermost loop of most jobs.

Bytes are decoded some KiB at a time, never line by line. Blocks end at a newline, so no
character is cut."""

import codecs

from .._values.errors import TaskError

RECORD_MAX_BYTES = 256 * 1024 * 1024
_MARK = b"\xef\xbb\xbf"
# About as much is decoded at once: what a block takes leaves room in the cache of the processor for
# what the job counts in.
_BLOCK_BYTES = 16 * 1024


class Position:
    """Where the current record lies. The byte offset is computed only when it is asked for."""

    def __init__(self):
        self.file = ""
        self.fixed = 0
        self._block = b""
        self._offset = 0
        self._lines = None
        self._count = 0
        self._known = (0, 0)
        self._words = None

    def at(self, offset):
        """The record lies there, whatever the lines say."""
        self.fixed = offset

    def start_block(self, offset, block, lines, count):
        """`lines` is the iterator over the `count` lines of the block."""
        self.fixed = -1
        self._block = block
        self._offset = offset
        self._lines = lines
        self._count = count
        self._known = (0, 0)
        self._words = None

    def start_words(self, line, matches, words):
        """`words` is the iterator over the records of a line of the block, one for each match that
        `matches(line)` gives."""
        self._words = (line, matches, words)

    @property
    def offset(self):
        """Byte offset in the file."""
        if self.fixed >= 0:
            return self.fixed
        if self._words is None:
            return self._line_offset()
        line, matches, words = self._words
        starts = [found.start() for found in matches(line)]
        start = starts[len(starts) - words.__length_hint__() - 1]
        offset = self._line_offset()
        if "\ufffd" not in line[:start]:
            return offset + len(line[:start].encode())
        return offset + _byte_of(self._block[offset - self._offset :], line, start)

    def _line_offset(self):
        index = self._count - self._lines.__length_hint__() - 1
        line, byte = self._known
        while line < index:
            byte = self._block.index(b"\n", byte) + 1
            line += 1
        self._known = (line, byte)
        return self._offset + byte


def _byte_of(data, text, index):
    """Where the character `index` of `text`, no replacement, lies in the bytes that `text` was
    decoded from."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    characters = 0
    for at in range(len(data)):
        characters += len(decoder.decode(data[at : at + 1]))
        if characters > index:
            return at + 1 - len(text[index].encode())
    return len(data)


def blocks_of(source, piece, position):
    """(offset, bytes) of blocks of whole lines; only the very last may lack its newline."""
    offset = piece.offset
    parts = []
    held = 0
    first = True
    while True:
        chunk = source.read()
        cut = chunk.rfind(b"\n") + 1
        if chunk and not cut:
            parts.append(chunk)
            held += len(chunk)
            if held > RECORD_MAX_BYTES:
                raise _too_long(position, offset)
            continue
        data = b"".join(parts) + (chunk[:cut] if chunk else b"")
        parts = [chunk[cut:]] if chunk else []
        held = len(chunk) - cut
        if first:
            data, skipped = without_mark(data, piece.offset)
            offset += skipped
            first = False
        start = 0
        while start < len(data):
            stop = start + _BLOCK_BYTES
            if stop >= len(data):
                stop = len(data)
            else:
                stop = data.find(b"\n", stop - 1) + 1 or len(data)
            yield offset + start, data if stop - start == len(data) else data[start:stop]
            start = stop
        offset += len(data)
        if not chunk:
            return


def without_mark(data, offset):
    """Past the byte order mark that may open a file, and how many bytes that is."""
    if offset == 0 and data[:3] == _MARK:
        return data[3:], 3
    return data, 0


def lines_of(text, keep_ends=False):
    """The lines of a text as a list of str, without their newlines (`\\n` or `\\r\\n`)."""
    lines = text.split("\n")
    last = lines.pop()
    if keep_ends:
        lines = [line + "\n" for line in lines]
    elif "\r" in text:
        lines = [line[:-1] if line[-1:] == "\r" else line for line in lines]
    if last:
        lines.append(last)
    return lines


def _too_long(position, offset):
    text = f"{position.file}:{offset}: a line is longer than {RECORD_MAX_BYTES} bytes"
    return TaskError("limit-exceeded", f"{text}; read the file with binary.file() or cut it")
