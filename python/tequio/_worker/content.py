"""Whether what a task has got as text is text: known formats are refused by their first bytes.

A plan has looked where it could; files of members, and what is inside a compressed file, are seen
here first. The list is that of src/wire/content/formats.ts, by what is in it."""

import json

from .._values.errors import TaskError

START_BYTES = 512
SHAPE_START_BYTES = 256 * 1024
_BLANKS = b" \t\r\n"
_AGAIN = "and compress it with gzip or zstd, if at all"
_UNPACK = f"decompress it first, {_AGAIN}"
_EXTRACT = "extract its files first"
_CONVERT = "convert it to CSV or NDJSON first"
_UTF8 = "convert it to UTF-8 first"
# (magic, where it lies, whether some of the bytes must be no text, name, remedy)
_FORMATS = (
    (b"\x1f\x8b\x08", 0, False, "gzip", _UNPACK),
    (b"\x28\xb5\x2f\xfd", 0, False, "zstd", _UNPACK),
    (b"\xff\xfe\0\0", 0, False, "UTF-32 text", f"{_UTF8} (iconv -f UTF-32 -t UTF-8)"),
    (b"\0\0\xfe\xff", 0, False, "UTF-32 text", f"{_UTF8} (iconv -f UTF-32 -t UTF-8)"),
    (b"\xff\xfe", 0, False, "UTF-16 text", f"{_UTF8} (iconv -f UTF-16 -t UTF-8)"),
    (b"\xfe\xff", 0, False, "UTF-16 text", f"{_UTF8} (iconv -f UTF-16 -t UTF-8)"),
    (b"\xfd7zXZ\0", 0, False, "xz", _UNPACK),
    (b"\x04\x22\x4d\x18", 0, False, "lz4", _UNPACK),
    (b"LZIP", 0, True, "lzip", _UNPACK),
    (b"\x89LZO\0\r\n\x1a\n", 0, False, "lzop", _UNPACK),
    (b"\x1f\x9d", 0, False, "compress (.Z)", _UNPACK),
    (b"PK\x03\x04", 0, False, "a zip archive", _EXTRACT),
    (b"PK\x05\x06", 0, False, "a zip archive", _EXTRACT),
    (b"7z\xbc\xaf\x27\x1c", 0, False, "a 7z archive", _EXTRACT),
    (b"Rar!\x1a\x07", 0, False, "a rar archive", _EXTRACT),
    (b"ustar", 257, True, "a tar archive", _EXTRACT),
    (b"PAR1\x15", 0, False, "Parquet", _CONVERT),
    (b"PARE", 0, True, "Parquet", _CONVERT),
    (b"ORC", 0, True, "ORC", _CONVERT),
    (b"Obj\x01", 0, False, "Avro", _CONVERT),
    (b"ARROW1\0\0", 0, False, "Arrow", _CONVERT),
    (b"\x89HDF\r\n\x1a\n", 0, False, "HDF5", _CONVERT),
    (b"SQLite format 3\0", 0, False, "an SQLite database", _CONVERT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, False, "an old Office document", _CONVERT),
    (b"%PDF-", 0, True, "PDF", "extract its text first"),
)


def check_text(name, start, compression):
    """`start`: the file's first 512 bytes, decompressed. Errors: `bad-request` for no text."""
    found = next((one for one in _FORMATS if _matches(start, one)), None)
    if found is None and start[:3] == b"BZh" and start[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        found = (b"", 0, False, "bzip2", _UNPACK)
    if found is None:
        return
    inside = "" if compression == "none" else f" inside {compression}"
    text = f"{name} is {found[3]}{inside}, and is read as text; {found[4]}"
    raise TaskError("bad-request", text)


def ends_lines_with_returns(first):
    """Lines end with `\\r` alone: within the start of the file there is one before the end, and no
    newline. `first(size)`: so many of its first bytes, or all when there are fewer."""
    if b"\n" in first(START_BYTES):
        return False
    start = first(SHAPE_START_BYTES)
    return b"\n" not in start and b"\r" in start[:-1]


def is_json_array(start, is_all):
    """The file is one JSON array, whose elements are the records, not a JSON value a line.
    `is_all`: the start is the whole file. One line that has an array with anything but objects in
    it is a record. As src/wire/content/shape.ts has it."""
    text = start[3:] if start[:3] == b"\xef\xbb\xbf" else start
    text = text.lstrip(_BLANKS)
    if text[:1] != b"[":
        return False
    line, newline, rest = text.partition(b"\n")
    if not newline and not is_all:
        return True
    try:
        first = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return True
    if newline and (not is_all or rest.lstrip(_BLANKS)):
        return False
    return isinstance(first, list) and all(isinstance(one, dict) for one in first)


def mixed_ends(file):
    """The error for a file whose later lines end otherwise than its first ones."""
    text = f"{file} has lines that end with \\r alone, and later others; convert them to \\n"
    return TaskError("user-error", text, is_final=True)


def _matches(start, given):
    magic, at, is_binary, _, _ = given
    if start[at : at + len(magic)] != magic:
        return False
    return not is_binary or any(byte < 9 or 13 < byte < 27 for byte in start)


class TextSource:
    """A source whose files are looked at before anything of them becomes a record. Lines that end
    with returns alone get newlines."""

    def __init__(self, source, files):
        self._source = source
        self._files = files
        self._start = []
        self._returns_of = None

    def next_piece(self):
        """As of the source. Errors: `bad-request` for what is no text."""
        self._start = []
        self._returns_of = None
        piece = self._source.next_piece()
        if piece is None or piece.offset > 0:
            return piece
        start = self._peek(START_BYTES)
        file = self._files[piece.file]
        check_text(file["name"], start, file["compression"])
        if ends_lines_with_returns(self._peek):
            self._returns_of = file["name"]
        return piece

    def is_json_array(self):
        """Of the piece at hand, which begins its file."""
        if self._peek(START_BYTES).lstrip(b"\xef\xbb\xbf" + _BLANKS)[:1] not in (b"[", b""):
            return False
        start = self._peek(SHAPE_START_BYTES + 1)
        if self._returns_of is not None:
            start = start.replace(b"\r", b"\n")
        return is_json_array(start[:SHAPE_START_BYTES], len(start) <= SHAPE_START_BYTES)

    def _peek(self, size):
        held = sum(map(len, self._start))
        while held < size:
            chunk = self._source.read()
            if not chunk:
                break
            self._start.append(chunk)
            held += len(chunk)
        return b"".join(self._start)[:size]

    def read(self):
        """As of the source."""
        chunk = self._start.pop(0) if self._start else self._source.read()
        if self._returns_of is None:
            return chunk
        if b"\n" in chunk:
            raise mixed_ends(self._returns_of)
        return chunk.replace(b"\r", b"\n")


class CountingSource:
    """A source whose `lines` are counted: lines of text, records of one size, files that are one
    record. Complete once there is no next piece."""

    def __init__(self, source, spec):
        self.lines = 0
        self._source = source
        self._spec = spec
        self._ends = True
        self._bytes = 0

    def next_piece(self):
        """As of the source."""
        if self._spec["format"] == "records":
            self.lines += self._bytes // self._spec["sizeBytes"]
        elif not self._ends:
            self.lines += 1
        self._ends = True
        self._bytes = 0
        piece = self._source.next_piece()
        # An empty file is a record, too.
        if self._spec["format"] == "file" and piece is not None:
            self.lines += 1
        return piece

    def read(self):
        """As of the source."""
        chunk = self._source.read()
        self._bytes += len(chunk)
        if chunk and self._spec["format"] not in ("records", "file"):
            self.lines += chunk.count(b"\n")
            self._ends = chunk[-1:] == b"\n"
        return chunk
