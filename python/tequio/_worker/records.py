"""Records from bytes, for every format. A reader is a generator of lists of records: `map` is
called in one loop for all of a block.

Where the current record lies, the position says; what cannot be a record goes to `bad(text,
problem)`."""

import io
import json

from .._values.errors import TaskError
from .csv_lines import Columns, QuoteJoiner, csv_fields
from .encoding import NOT_UTF8, decoded, lossy
from .json_array import elements_of
from .lines import RECORD_MAX_BYTES, blocks_of, lines_of, without_mark
from .words import matches_of, words_of

_HEAD_MESSAGE = "no header line in its first 64 KiB; use csv(header=False, columns=[…])"


class Reading:
    """What all readers need: `source` and `position`, and where bad records go."""

    def __init__(self, source, position, bad):
        self.source = source
        self.position = position
        self.bad = bad
        self.encoding = None

    def blocks(self, piece, keep_ends=False):
        """Lists of lines, one for each block, with the position at each of them as it is read."""
        for offset, block in blocks_of(self.source, piece, self.position):
            try:
                text = decoded(block, self.encoding)
            except UnicodeDecodeError:
                yield from self._checked(offset, block, keep_ends)
            else:
                yield self._placed(offset, block, lines_of(text, keep_ends))

    def _checked(self, offset, block, keep_ends):
        """Of a block with bytes that are not UTF-8 each line that is."""
        for data in io.BytesIO(block):
            text, problem = self.text(data)
            if not problem:
                yield self._placed(offset, data, lines_of(text, keep_ends))
            else:
                self.position.at(offset)
                self.bad("".join(lines_of(text)), problem)
            offset += len(data)

    def _placed(self, offset, block, lines):
        iterator = iter(lines)
        self.position.start_block(offset, block, iterator, len(lines))
        return iterator

    def text(self, data):
        """The text of a record, and what is wrong with it, mostly nothing."""
        try:
            return decoded(data, self.encoding), ""
        except UnicodeDecodeError:
            return lossy(data, self.encoding), NOT_UTF8


def reader_of(spec, pattern, reading):
    """A function that gives the records of a piece as iterators over some of them at a time."""
    kind = spec["format"]
    reading.encoding = spec.get("encoding")
    if kind == "lines":
        return reading.blocks
    if kind == "words":
        return lambda piece: _words(spec["lowercase"], piece, reading)
    if kind == "match":
        return _by_line(reading, _matcher(pattern, spec["columns"]))
    if kind in ("ndjson", "json"):
        return _by_line_or_element(reading, spec.get("paths"))
    if kind == "file":
        return lambda piece: _whole(spec["as"], piece, reading)
    if kind == "records":
        return lambda piece: _fixed(spec["sizeBytes"], piece, reading)
    if kind == "csv":
        return CsvReader(spec, reading).read
    raise TaskError("bad-request", f"unknown input format {kind!r}")


def _by_line(reading, records_of):
    """Records of one line at a time: `records_of(line)` gives a list."""

    def read(piece):
        for lines in reading.blocks(piece):
            for line in lines:
                records = records_of(line)
                if records:
                    yield records

    return read


def _by_line_or_element(reading, paths):
    """JSON: a value a line, or the elements of the array that a file is."""
    lines, elements = _json_reader(reading, True), _json_reader(reading, False)
    if paths is not None:
        lines, elements = _paths_reader(paths, lines), _paths_reader(paths, elements)
    by_line = _by_line(reading, lines)

    def read(piece):
        source, position = reading.source, reading.position
        if piece.offset > 0 or not source.is_json_array():
            yield from by_line(piece)
            return
        for offset, data, problem in elements_of(source.read, position.file):
            position.at(offset)
            text, wrong = reading.text(data)
            if problem or wrong:
                reading.bad(text, problem or wrong)
                continue
            records = elements(text)
            if records:
                yield records

    return read


def _words(lowercase, piece, reading):
    for lines in reading.blocks(piece):
        for line in lines:
            words = words_of(line)
            if words:
                records = iter([word.lower() for word in words] if lowercase else words)
                reading.position.start_words(line, matches_of, records)
                yield records


def _matcher(pattern, columns):
    if columns is None:
        return lambda line: [found[0] for found in pattern.finditer(line)]
    return lambda line: [dict(zip(columns, found.groups())) for found in pattern.finditer(line)]


def parsed_json(text):
    """One JSON value; ValueError for what is none, NaN and Infinity among it."""
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name):
    raise ValueError(f"{name} is no JSON")


def _json_reader(reading, skips_blanks):
    def read(line):
        try:
            return [parsed_json(line)]
        except (ValueError, RecursionError) as error:
            if not skips_blanks or line.strip():
                reading.bad(line, str(error))
            return ()

    return read


def _paths_reader(paths, values_of):
    split = [(path, path.split(".")) for path in paths]

    def read(line):
        return [{path: at_path(value, names) for path, names in split} for value in values_of(line)]

    return read


def at_path(value, names):
    """What lies there in a JSON value, None where nothing does."""
    for name in names:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and _is_index(name):
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value


def _is_index(name):
    return name.isascii() and name.isdigit() and str(int(name)) == name


def _whole(kind, piece, reading):
    parts = []
    size = 0
    while True:
        chunk = reading.source.read()
        if not chunk:
            break
        parts.append(chunk)
        size += len(chunk)
        if size > RECORD_MAX_BYTES:
            text = f"{reading.position.file} is longer than {RECORD_MAX_BYTES} bytes"
            raise TaskError("limit-exceeded", f"{text}, too long for one record; read it by lines")
    reading.position.at(piece.offset)
    data = b"".join(parts)
    if kind == "text":
        yield [without_mark(data, piece.offset)[0].decode("utf-8", "replace")]
    else:
        yield [data]


def _fixed(size, piece, reading):
    held = b""
    offset = piece.offset
    while True:
        chunk = reading.source.read()
        held += chunk
        whole = len(held) - len(held) % size
        for start in range(0, whole, size):
            reading.position.at(offset + start)
            yield [held[start : start + size]]
        offset += whole
        held = held[whole:]
        if not chunk:
            break
    if held:
        text = f"{reading.position.file} has bytes that are no whole record of {size} bytes"
        raise TaskError("user-error", text, is_final=True)


class CsvReader:
    """The header line names the columns; pieces that start behind it get it as their `head`."""

    def __init__(self, spec, reading):
        self._spec = spec
        self._reading = reading
        self._columns = None
        self._header_due = False

    def read(self, piece):
        """The records of one piece."""
        spec, file = self._spec, self._reading.position.file
        named = spec["columns"]
        pick = spec.get("pick")
        self._columns = None if named is None else Columns(named, pick, file)
        self._header_due = spec["header"] and piece.offset == 0
        if spec["header"] and piece.offset > 0:
            self._header(_head_line(piece, file, self._reading.encoding))
        return self._joined(piece) if spec["multiline"] else self._lines(piece)

    def _lines(self, piece):
        for lines in self._reading.blocks(piece):
            for line in lines:
                record = self._record(line)
                if record is not None:
                    yield (record,)

    def _joined(self, piece):
        position = self._reading.position
        joiner = QuoteJoiner(self._spec["separator"])
        for lines in self._reading.blocks(piece, keep_ends=True):
            for line in lines:
                position.fixed = -1
                yield from self._placed(joiner.add(line, position.offset))
        yield from self._placed(joiner.end())

    def _placed(self, found):
        for text, start in found:
            self._reading.position.at(start)
            record = self._record(text)
            if record is not None:
                yield (record,)

    def _header(self, line):
        self._header_due = False
        if self._spec["columns"] is not None:
            return
        file = self._reading.position.file
        names = csv_fields(line, self._spec["separator"])
        if names is None:
            raise TaskError("bad-request", f"{file}: the header line is not CSV")
        self._columns = Columns(names, self._spec.get("pick"), file)

    def _record(self, line):
        """None for a line that is no record: the header, an empty line, a bad one."""
        if self._header_due:
            self._header(line)
            return None
        if line == "":
            return None
        fields = csv_fields(line, self._spec["separator"])
        columns = self._columns
        if fields is None:
            self._reading.bad(line, "its quotes are not closed or misplaced")
        elif columns is None:
            return fields
        elif len(fields) == columns.width:
            return columns.record(fields)
        else:
            problem = f"{len(fields)} fields where {columns.width} columns are named"
            self._reading.bad(line, problem)
        return None


def _head_line(piece, file, encoding):
    if piece.head is None:
        raise TaskError("bad-request", f"{file}: {_HEAD_MESSAGE}")
    line = lossy(without_mark(piece.head, 0)[0], encoding)
    if line.endswith("\r\n"):
        return line[:-2]
    return line[:-1] if line.endswith("\n") else line
