"""The elements of a JSON array that a file is: its records, in place of a JSON value a line."""

import re

from .._values.errors import TaskError
from .lines import RECORD_MAX_BYTES

# A quote alone opens a text whose end has not been read.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|["\[\]{},]', re.S)
MISSING = "an element of the array is missing"
NO_END = "the JSON array that the file is has no end"
FOLLOWED = "something follows the JSON array that the file is"
_SHOWN_BYTES = 1024
_BLANKS = b" \t\r\n"


def elements_of(read, file):
    """(offset, bytes, problem) of each, as the file is read; `read()` gives its next bytes, none at
    its end. Problems are "" where there is none."""
    scan = _Scan(read, file)
    count = 0
    while True:
        found = scan.next_element()
        if found is None:
            break
        offset, data, is_last = found
        is_missing = not data.strip(_BLANKS)
        if not is_last or count > 0 or not is_missing:
            yield offset, data, MISSING if is_missing else ""
        count += 1
        if is_last:
            end = scan.end_of_blanks()
            if end is not None:
                yield end, b"", FOLLOWED
            return
    yield scan.offset, scan.rest()[:_SHOWN_BYTES], NO_END


class _Scan:
    """What has been read and not been given out; an element begins at its start."""

    def __init__(self, read, file):
        self._read = read
        self._file = file
        self._data = b""
        self._depth = 0
        self._at = 0
        self.offset = 0

    def next_element(self):
        """(offset, bytes, whether it is the last); None when the array has no end."""
        while True:
            token = _TOKEN.search(self._data, self._at)
            if token is None or token[0] == b'"':
                self._at = len(self._data) if token is None else token.start()
                if not self._more():
                    return None
                continue
            self._at = token.end()
            if token[0] in (b"[", b"{"):
                self._depth += 1
                if self._depth == 1:
                    self._forget()
            elif token[0] in (b"]", b"}"):
                self._depth -= 1
            is_last = self._depth == 0
            if is_last or (token[0] == b"," and self._depth == 1):
                found = (self.offset, self._data[: token.start()], is_last)
                self._forget()
                return found

    def rest(self):
        """What is held."""
        return self._data

    def end_of_blanks(self):
        """Behind the array: None when nothing but blanks follows, else the end of the file."""
        is_blank = True
        while True:
            is_blank = is_blank and not self._data.strip(_BLANKS)
            self.offset += len(self._data)
            self._data = self._read()
            if not self._data:
                return None if is_blank else self.offset

    def _forget(self):
        self.offset += self._at
        self._data = self._data[self._at :]
        self._at = 0

    def _more(self):
        chunk = self._read()
        self._data += chunk
        if len(self._data) > RECORD_MAX_BYTES:
            text = f"{self._file}:{self.offset}: an element of the array is longer than"
            raise TaskError("limit-exceeded", f"{text} {RECORD_MAX_BYTES} bytes")
        return bool(chunk)
