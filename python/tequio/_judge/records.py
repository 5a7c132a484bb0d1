"""Records of a piece of a file, the plain way: one line after the other, one character after the
other. `bad` records are (offset, text, problem)."""

import io
import json
import unicodedata
from typing import NamedTuple

from .._values.errors import TaskError
from .._worker.content import (
    SHAPE_START_BYTES,
    START_BYTES,
    check_text,
    ends_lines_with_returns,
    is_json_array,
    mixed_ends,
)

_HEAD_MAX_BYTES = 64 * 1024
_PROBLEM = 'its bytes are not UTF-8; give the encoding, as encoding="latin1" or "windows-1252"'


class Record(NamedTuple):
    """A record, or with `problem` the text that cannot be one."""

    offset: int
    value: object
    problem: str = ""


def records_of(path, file, piece, given):
    """The records of a piece [index, start, end] of the file, which lies, decompressed, at `path`.
    `given`: spec and pattern of the format."""
    spec, pattern = given
    _, start, end = piece
    kind = spec["format"]
    with open(path, "rb") as opened:
        source = opened
        is_binary = kind == "records" or spec.get("as") == "bytes"
        if not is_binary:
            check_text(file["name"], opened.read(START_BYTES), file["compression"])
            source = _with_newlines(opened, file["name"])
        if file["compression"] != "none":
            end = None
        if kind == "file":
            source.seek(0)
            data = source.read()
            yield Record(0, data if is_binary else _without_mark(data).decode("utf-8", "replace"))
        elif kind == "records":
            yield from _fixed(source, start, end, (spec["sizeBytes"], file["name"]))
        elif kind == "csv":
            yield from _csv(source, file["name"], (start, end), spec)
        elif kind in ("ndjson", "json") and start == 0 and _is_array(source):
            source.seek(0)
            for offset, data, problem in _elements(source.read()):
                text, wrong = _text(data, spec)
                if problem or wrong:
                    yield Record(offset, text, problem or wrong)
                else:
                    yield from _of_json(offset, text, spec)
        else:
            for offset, line in _lines(source, start, end):
                text, problem = _text(line, spec)
                if problem and kind == "words":
                    place = f"{file['name']}:{offset}"
                    raise TaskError("user-error", f"bad record at {place}: {problem}")
                if problem:
                    yield Record(offset, _bare(text), problem)
                else:
                    yield from _of_line(offset, line, _bare(text), given)


def _with_newlines(opened, name):
    """The file, or where its lines end with returns alone a copy in which they do not."""
    opened.seek(0)
    start = opened.read(SHAPE_START_BYTES)
    if not ends_lines_with_returns(lambda size: start[:size]):
        return opened
    data = start + opened.read()
    if b"\n" in data:
        raise mixed_ends(name)
    return io.BytesIO(data.replace(b"\r", b"\n"))


def _is_array(source):
    source.seek(0)
    start = source.read(SHAPE_START_BYTES + 1)
    return is_json_array(start[:SHAPE_START_BYTES], len(start) <= SHAPE_START_BYTES)


def _elements(data):
    """(offset, bytes, problem) of each element of the array: one character after the other."""
    text = data.decode("latin-1")
    at = text.index("[") + 1
    start, depth, count = at, 1, 0
    while at < len(text) and depth > 0:
        if text[at] == '"':
            at += 1
            while at < len(text) and text[at] != '"':
                at += 2 if text[at] == "\\" else 1
        elif text[at] in "[{":
            depth += 1
        elif text[at] in "]}":
            depth -= 1
        if depth == 0 or (depth == 1 and text[at : at + 1] == ","):
            own = data[start:at]
            if own.strip(b" \t\r\n"):
                yield start, own, ""
            elif depth > 0 or count > 0:
                yield start, own, "an element of the array is missing"
            count += 1
            start = at + 1
        at += 1
    if depth > 0:
        yield start, data[start : start + 1024], "the JSON array that the file is has no end"
    elif data[at:].strip(b" \t\r\n"):
        yield len(data), b"", "something follows the JSON array that the file is"


def _text(data, spec):
    """The text of these bytes, one character after the other where each is a byte, and what is
    wrong with it."""
    encoding = spec.get("encoding")
    if encoding == "latin1":
        return "".join(map(chr, data)), ""
    if encoding == "windows-1252":
        unused = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
        return "".join(chr(b) if b in unused else bytes([b]).decode("cp1252") for b in data), ""
    text = data.decode("utf-8", "replace")
    return text, "" if encoding != "utf-8" or text.encode() == data else _PROBLEM


def _of_line(offset, line, text, given):
    spec, pattern = given
    kind = spec["format"]
    if kind == "lines":
        yield Record(offset, text)
    elif kind == "words":
        for start, word in _words(text):
            value = word.lower() if spec["lowercase"] else word
            yield Record(offset + _bytes_before(line, text, start), value)
    elif kind == "match":
        for found in pattern.finditer(text):
            columns = spec["columns"]
            yield Record(offset, dict(zip(columns, found.groups())) if columns else found[0])
    elif text.strip():
        yield from _of_json(offset, text, spec)


def _of_json(offset, text, spec):
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        yield Record(offset, text, str(error))
        return
    paths = spec.get("paths")
    yield Record(offset, value if paths is None else {path: _at(value, path) for path in paths})


def _refuse(name):
    raise ValueError(f"{name} is no JSON")


def _at(value, path):
    for name in path.split("."):
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name in map(str, range(len(value))):
            value = value[int(name)]
        else:
            return None
    return value


def _lines(source, start, end):
    """(offset, bytes with their newline) of lines that begin in [start, end); None = to the end."""
    source.seek(max(0, start - 1))
    offset = source.tell()
    if start > 0:
        offset += len(source.readline())
    for line in source:
        if end is not None and offset >= end:
            return
        text = _without_mark(line) if offset == 0 else line
        if text:
            yield offset + len(line) - len(text), text
        offset += len(line)


def _without_mark(data):
    return data[3:] if data.startswith(b"\xef\xbb\xbf") else data


def _bare(line):
    """Without its newline; a lone return at the very end of a file is part of the line."""
    if line.endswith("\r\n"):
        return line[:-2]
    return line[:-1] if line.endswith("\n") else line


def _bytes_before(line, text, start):
    """How many bytes the characters before `start` took; a replacement may be 1 to 3."""
    if "\ufffd" not in text[:start]:
        return len(text[:start].encode())
    for at in range(len(line)):
        before, rest = line[:at].decode("utf-8", "replace"), line[at:].decode("utf-8", "replace")
        if before == text[:start] and rest.startswith(text[start:]):
            return at
    return len(line)


def _words(text):
    at = 0
    while at < len(text):
        end = at
        while end < len(text) and _is_letter(text[end]):
            end += 1
            if text[end : end + 1] in ("'", "’") and _is_letter(text[end + 1 : end + 2]):
                end += 1
        if end > at:
            yield at, text[at:end]
        at = max(end, at + 1)


def _is_letter(character):
    return character != "" and unicodedata.category(character)[0] in "LMN"


def _fixed(source, start, end, given):
    size, name = given
    source.seek(start)
    data = source.read() if end is None else source.read(end - start)
    if len(data) % size:
        raise TaskError("user-error", f"{name} has bytes that are no whole record of {size} bytes")
    for at in range(0, len(data), size):
        yield Record(start + at, data[at : at + size])


def _csv(source, file, piece, spec):
    start, end = piece
    columns = spec["columns"]
    if columns is not None:
        _check_columns(columns, spec, file)
    is_header = spec["header"] and start == 0
    if spec["header"] and columns is None and start > 0:
        first = next(_lines(source, 0, 1), (0, b""))[1]
        if len(first) > _HEAD_MAX_BYTES:
            text = f"{file}: no header line in its first 64 KiB"
            raise TaskError("bad-request", f"{text}; use csv(header=False, columns=[…])")
        columns = _names(_text(first, spec)[0], spec, file)
    lines, wrong = [], []
    for offset, line in _lines(source, start, end):
        text, problem = _text(line, spec)
        (wrong if problem else lines).append((offset, text))
    rows = _joined(lines, spec["separator"]) if spec["multiline"] else lines
    for offset, row in sorted([*rows, *wrong]):
        text = _bare(row)
        if (offset, row) in wrong:
            yield Record(offset, text, _PROBLEM)
        elif is_header:
            is_header = False
            columns = columns or _names(text, spec, file)
        elif text != "":
            yield _csv_record(offset, text, columns, spec)


def _names(line, spec, file):
    names = _fields(_bare(line), spec["separator"])
    if names is None:
        raise TaskError("bad-request", f"{file}: the header line is not CSV")
    _check_columns(names, spec, file)
    return names


def _check_columns(names, spec, file):
    pick = spec.get("pick") or names
    twice = next((name for name in names if names.count(name) > 1 and name in pick), None)
    if twice is not None or "__proto__" in pick:
        what = "a column __proto__" if twice is None else f'two columns "{twice}"'
        text = f"{file} has {what}; name the columns with csv(header=…, columns=[…])"
        raise TaskError("bad-request", text)
    for name in spec.get("pick") or ():
        if name not in names:
            text = f'{file} has no column "{name}"; it has {", ".join(names)}'
            raise TaskError("bad-request", text)


def _csv_record(offset, text, columns, spec):
    fields = _fields(text, spec["separator"])
    if fields is None:
        return Record(offset, text, "its quotes are not closed or misplaced")
    if columns is None:
        return Record(offset, fields)
    if len(fields) != len(columns):
        return Record(offset, text, f"{len(fields)} fields where {len(columns)} columns are named")
    row = dict(zip(columns, fields))
    return Record(offset, {name: row[name] for name in spec.get("pick") or columns})


def _fields(line, separator):
    """RFC 4180, one character after the other; None when the quotes are not in order."""
    fields, field, state, at = [], "", "start", 0
    while at < len(line):
        character = line[at]
        at += 1
        if state == "quoted":
            if character != '"':
                field += character
            elif line[at : at + 1] == '"':
                field += '"'
                at += 1
            else:
                state = "closed"
        elif character == separator:
            fields.append(field)
            field, state = "", "start"
        elif state == "closed" or (character == '"' and state == "plain"):
            return None
        elif character == '"':
            state = "quoted"
        else:
            field, state = field + character, "plain"
    return None if state == "quoted" else [*fields, field]


def _joined(lines, separator):
    """(offset, text) of records that may go over several lines: the first lines that are a record
    together; of lines that never are, the first alone."""
    at = 0
    while at < len(lines):
        end, state = at, "start"
        while end < len(lines) and (end == at or state == "quoted"):
            state = _state_after(_bare(lines[end][1]), separator, state)
            end += 1
        whole = "".join(text for _, text in lines[at:end])
        if state in ("quoted", "broken"):
            end, whole = at + 1, lines[at][1]
        yield lines[at][0], whole
        at = end


def _state_after(text, separator, state):
    """ "quoted" when a quote that opened a field, perhaps before this text, is not closed; "broken"
    when something follows the quote that closes one."""
    for character in text:
        if state == "quoted":
            state = "closed" if character == '"' else "quoted"
        elif state == "closed" and character == '"':
            state = "quoted"
        elif state == "closed" and character != separator:
            return "broken"
        elif character == separator:
            state = "start"
        elif state == "start":
            state = "quoted" if character == '"' else "plain"
    return state
