"""CSV records (RFC 4180) from lines. What cannot be one is a bad record, never a wrong one."""

from .._values.errors import TaskError

_MULTILINE_MAX_CHARACTERS = 16 * 1024 * 1024


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
        _check(names, file)
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


def _check(names, file):
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is None and "__proto__" not in names:
        return
    what = "a column __proto__" if twice is None else f'two columns "{twice}"'
    text = f"{file} has {what}; name the columns with csv(header=…, columns=[…])"
    raise TaskError("bad-request", text)


class QuoteJoiner:
    """Joins lines, with their newlines, until the quotes are even."""

    def __init__(self):
        self._parts = []
        self._characters = 0
        self.pending = False

    def add(self, line):
        """The whole record without its last newline, once `line` completes it; else None."""
        if line.count('"') % 2:
            self.pending = not self.pending
        self._parts.append(line)
        self._characters += len(line)
        if self.pending and self._characters < _MULTILINE_MAX_CHARACTERS:
            return None
        return self.take()

    def take(self):
        """What there is, complete or not."""
        text = "".join(self._parts)
        self._parts = []
        self._characters = 0
        self.pending = False
        if text.endswith("\r\n"):
            return text[:-2]
        return text[:-1] if text.endswith("\n") else text
