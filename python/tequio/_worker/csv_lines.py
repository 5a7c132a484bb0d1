"""CSV records (RFC 4180) from lines. What cannot be one is a bad record, never a wrong one."""

from .._values.errors import TaskError

_MULTILINE_MAX_CHARACTERS = 256 * 1024 * 1024


def csv_fields(line, separator):
    """The fields of one record, or None when its quotes are not in order."""
    if '"' not in line:
        return line.split(separator)
    fields = []
    at = 0
    while True:
        if line[at : at + 1] == '"':
            field, at = _quoted(line, at + 1)
            if field is None:
                return None
        else:
            end = line.find(separator, at)
            field = line[at:] if end == -1 else line[at:end]
            if '"' in field:
                return None
            at += len(field)
        fields.append(field)
        if at == len(line):
            return fields
        if line[at] != separator:
            return None
        at += 1


def _quoted(line, start):
    """The field behind its opening quote, and where its closing quote ends."""
    field = ""
    while True:
        quote = line.find('"', start)
        if quote == -1:
            return None, 0
        if line[quote + 1 : quote + 2] != '"':
            return field + line[start:quote], quote + 1
        field += line[start : quote + 1]
        start = quote + 2


class Columns:
    """The names of a file's columns, and those of them that records have."""

    def __init__(self, names, pick, file):
        _check(names, names if pick is None else pick, file)
        self.width = len(names)
        wanted = names if pick is None else pick
        missing = next((name for name in wanted if name not in names), None)
        if missing is not None:
            have = ", ".join(names)
            text = f'{file} has no column "{missing}"; it has {have}'
            raise TaskError("bad-request", text)
        self._all = list(wanted) == list(names)
        self._names = wanted
        self._indexes = [names.index(name) for name in wanted]

    def record(self, fields):
        """The dict of these fields, which are `width`."""
        if self._all:
            return dict(zip(self._names, fields))
        return {name: fields[index] for name, index in zip(self._names, self._indexes)}


def _check(names, pick, file):
    again = (name for at, name in enumerate(names) if name in names[:at] and name in pick)
    twice = next(again, None)
    if twice is None and "__proto__" not in pick:
        return
    what = "a column __proto__" if twice is None else f'two columns "{twice}"'
    text = f"{file} has {what}; name the columns with csv(header=…, columns=[…])"
    raise TaskError("bad-request", text)


class QuoteJoiner:
    """Joins the lines of records that go over several: from a quote that opens a field to the one
    that closes it. When nothing closes it, or something else follows, the first line alone is the
    bad record, and the others are read again: a stray quote costs one row."""

    def __init__(self, separator):
        self._separator = separator
        self._held = []
        self._characters = 0
        self._state = "field"

    def add(self, line, offset):
        """(record without its last newline, offset) of each record that `line` completes."""
        again = [(line, offset)]
        while again:
            one = again.pop(0)
            end = self._scan(one[0])
            self._held.append(one)
            self._characters += len(one[0])
            if end == "open" and self._characters < _MULTILINE_MAX_CHARACTERS:
                continue
            if end == "whole":
                text = "".join(text for text, _ in self._held)
                start = self._held[0][1]
                self._reset()
                yield _without_end(text), start
            else:
                first, *rest = self._held
                self._reset()
                yield _without_end(first[0]), first[1]
                again = rest + again

    def end(self):
        """The records of what is left when the piece is over."""
        while self._held:
            first, *rest = self._held
            self._reset()
            yield _without_end(first[0]), first[1]
            for line, offset in rest:
                yield from self.add(line, offset)

    def _reset(self):
        self._held = []
        self._characters = 0
        self._state = "field"

    def _scan(self, line):
        end = len(line) - (2 if line.endswith("\r\n") else 1 if line.endswith("\n") else 0)
        at = 0
        while True:
            if self._state == "quoted":
                quote = line.find('"', at)
                if quote == -1:
                    return "open"
                at = quote + 1
                if line[at : at + 1] == '"':
                    at += 1
                else:
                    self._state = "closed"
                continue
            if self._state == "field" and line[at : at + 1] == '"':
                self._state = "quoted"
                at += 1
                continue
            following = line.find(self._separator, at)
            if self._state == "closed" and at < end and following != at:
                return "broken"
            if following == -1 or at >= end:
                return "whole"
            self._state = "field"
            at = following + 1


def _without_end(text):
    if text.endswith("\r\n"):
        return text[:-2]
    return text[:-1] if text.endswith("\n") else text
