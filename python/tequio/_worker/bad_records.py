"""Records that cannot be used: the job fails at the first, or they are set aside with file, offset
and error."""

import json

from .._values.errors import TaskError
from .._values.json_text import json_bytes
from .run_file import FileSink

_RECORD_MAX_BYTES = 1024
_FILE_MAX_BYTES = 64 * 1024 * 1024
KEEP_HINT = (
    'bad_records="keep" sets such records aside, and {"keep_up_to": 0.01} '
    "at most 1 % of the lines"
)


class BadRecords:
    """`policy` is "fail", "keep" or {"keep_up_to": share}; those that are kept go to `path`, and
    are counted by `count`."""

    def __init__(self, policy, path):
        self.count = 0
        self._keeps = policy != "fail"
        self._path = path
        self._sink = None

    def add(self, position, record, error, is_input):
        """`error` is raised when the policy is to fail. `is_input`: no code of the job has looked
        at the record, so that trying again changes nothing."""
        if not self._keeps:
            if is_input:
                text = f"{error.text}; {KEEP_HINT}"
                raise TaskError(error.code, text, is_final=True) from error
            raise error
        line = bad_line(position.file, position.offset, error.text, record)
        self._sink = self._sink or FileSink(self._path)
        self._sink.write(line)
        self.count += 1
        if self._sink.size_bytes > _FILE_MAX_BYTES:
            text = f"more than {_FILE_MAX_BYTES} bytes of bad records, the last: {error.text}"
            raise TaskError("limit-exceeded", text)

    def finish(self):
        """Closes the file; its path, or None when there were none."""
        if self._sink is None:
            return None
        self._sink.close()
        return self._path

    def discard(self):
        """Leaves no file."""
        if self._sink is not None:
            self._sink.discard()


def bad_line(file, offset, error, record):
    """The line for one record, with its newline, in UTF-8."""
    line = {"file": file, "offset": offset, "error": error, "record": _excerpt(record)}
    return json_bytes(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def _excerpt(record):
    """The record as text: str as it is, bytes in hex, everything else as JSON; cut at 1 KiB."""
    if isinstance(record, bytes):
        return record[:512].hex()
    if isinstance(record, str):
        text = record
    else:
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=repr)
    data = text[:_RECORD_MAX_BYTES].encode("utf-8", "surrogatepass")
    if len(data) <= _RECORD_MAX_BYTES:
        return text[:_RECORD_MAX_BYTES]
    return data[:_RECORD_MAX_BYTES].decode("utf-8", "ignore")
