"""Writes the final part file of a task, row by row, with its SHA-256 on the way."""

from hashlib import sha256
from json.encoder import encode_basestring as quoted

from .._values.errors import TaskError
from .._values.json_text import json_bytes
from .._values.rows import line_format, row_text
from .._values.text import paired
from .run_file import FileSink

_ROWS_HELD = 2048


class PartWriter:
    """Rows are gathered before they become bytes."""

    def __init__(self, path, output):
        self._output = line_format(output)
        self._rows = []
        self._sink = FileSink(path)
        self._hash = sha256()
        self.records = 0

    def row(self, key, value, where):
        """`where` names the function that made the pair."""
        if self._output == "ndjson" and type(key) is str and type(value) is int:
            self._rows.append(f'{{"key":{quoted(key)},"value":{value}}}\n')
        else:
            self._rows.append(row_text(self._output, key, value, where))
        self.records += 1
        if len(self._rows) >= _ROWS_HELD:
            self._flush()

    def finish(self):
        """What the part is: `records`, `sizeBytes`, `root`."""
        self._flush()
        self._sink.close()
        size = self._sink.size_bytes
        return {"records": self.records, "sizeBytes": size, "root": self._hash.hexdigest()}

    def discard(self):
        """Closes and leaves no file."""
        self._sink.discard()

    def _flush(self):
        text = "".join(self._rows)
        self._rows = []
        data = json_bytes(text) if self._output == "ndjson" else self._utf8(text)
        self._hash.update(data)
        self._sink.write(data)

    def _utf8(self, text):
        try:
            return text.encode()
        except UnicodeEncodeError:
            pass
        try:
            return paired(text).encode()
        except UnicodeEncodeError:
            half = "a string with half a character (a lone surrogate) cannot be written as"
            raise TaskError("user-error", f'{half} {self._output}; use output="ndjson"') from None
