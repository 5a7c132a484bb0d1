"""The input of a task process: pieces as frames from a descriptor, or parts of files that it reads
itself. The frames are those of src/worker/input/frames.ts."""

import json
import os
import struct
from typing import NamedTuple, Optional

from .._values.errors import InputBroken, TaskError

_PIECE, _BYTES, _END, _HEAD, _CUT, _FILE = 1, 2, 3, 4, 5, 6
_FRAME_MAX_BYTES = 1024 * 1024
_HEAD_MAX_BYTES = 64 * 1024
_RANGE_MAX_BYTES = 64 * 1024
# Few, so that they are in the cache of the processor still when they become lines.
_READ_BYTES = 64 * 1024
_piece = struct.Struct("<dI")


class Piece(NamedTuple):
    """A part of a file: `offset` of its first byte, and of CSV perhaps the file's first line."""

    file: int
    offset: int
    head: Optional[bytes]


class PipeSource:
    """One per process: what is read ahead of one task's END belongs to the next task."""

    def __init__(self, descriptor, on_read):
        self._descriptor = descriptor
        self._on_read = on_read
        self._buffer = b""
        self._at = 0
        self._rest = 0
        self._file = None
        self._pending = 0
        self._ended = True
        self.input_bytes = 0

    def start_task(self):
        """What is read from now on is counted for the next task."""
        self._close_file()
        self.input_bytes = 0
        self._ended = False

    def drain(self):
        """Reads past the rest of a task's input, so that the next task starts at its own."""
        while not self._ended:
            try:
                self.next_piece()
            except TaskError:
                pass

    def next_piece(self):
        """The next piece, None after the last."""
        if self._ended:
            return None
        while self._skip_frame():
            pass
        kind = self._take_kind()
        if kind == _END:
            self._ended = True
            return None
        if kind == _CUT:
            self._cut()
        if kind != _PIECE:
            raise InputBroken(f"frame {kind} where a piece must start")
        offset, file = _piece.unpack(self._exactly(12))
        head = None
        if self._kind() == _HEAD:
            self._pending = 0
            head = self._exactly(self._length(_HEAD_MAX_BYTES))
        return Piece(file, int(offset), head)

    def read(self):
        """Some bytes of the piece, at most 1 MiB; b"" at its end."""
        while self._rest == 0:
            if self._file is not None:
                chunk = self._file.read()
                if chunk:
                    return self._counted(chunk)
                self._close_file()
            kind = self._kind()
            if kind == _CUT:
                self._cut()
            if kind == _FILE:
                self._pending = 0
                self._file = RangeReader(self._exactly(self._length(_RANGE_MAX_BYTES)))
                continue
            if kind != _BYTES:
                return b""
            self._pending = 0
            self._rest = self._length(_FRAME_MAX_BYTES)
        chunk = self._some(self._rest)
        self._rest -= len(chunk)
        return self._counted(chunk)

    def _counted(self, chunk):
        self.input_bytes += len(chunk)
        self._on_read(self.input_bytes)
        return chunk

    def _cut(self):
        """The task ends here without its input."""
        self._ended = True
        self._pending = 0
        raise TaskError("download-failed", "the worker could not read the input to its end")

    def _skip_frame(self):
        """Skips what is left of a piece, frame by frame; False when another kind comes."""
        self._close_file()
        if self._rest == 0:
            kind = self._kind()
            if kind == _FILE:
                self._pending = 0
                self._exactly(self._length(_RANGE_MAX_BYTES))
                return True
            if kind != _BYTES:
                return False
            self._pending = 0
            self._rest = self._length(_FRAME_MAX_BYTES)
        self._exactly(self._rest)
        self._rest = 0
        return True

    def _close_file(self):
        if self._file is not None:
            self._file.close()
        self._file = None

    def _kind(self):
        if self._pending == 0:
            self._pending = self._exactly(1)[0]
        return self._pending

    def _take_kind(self):
        kind = self._kind()
        self._pending = 0
        return kind

    def _length(self, most):
        length = int.from_bytes(self._exactly(4), "little")
        if length > most:
            raise InputBroken(f"a frame of {length} bytes")
        return length

    def _exactly(self, count):
        parts = []
        while count > 0:
            part = self._some(count)
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _some(self, count):
        """1 to `count` bytes; what was read with them is kept."""
        if self._at == len(self._buffer):
            chunk = os.read(self._descriptor, _READ_BYTES)
            if not chunk:
                raise InputBroken("it was closed in the middle of a task")
            if len(chunk) <= count:
                return chunk
            self._buffer = chunk
            self._at = 0
        part = self._buffer[self._at : self._at + count]
        self._at += len(part)
        return part


class RangeReader:
    """A part of a file that is read here, checked to be the file that was submitted."""

    def __init__(self, description):
        given = json.loads(description)
        self._name, self._size = given["name"], given["sizeBytes"]
        self._mtime_ms = given["mtimeMs"]
        self._at, self._end = given["start"], given["end"]
        try:
            self._descriptor = os.open(given["path"], os.O_RDONLY)
        except OSError as error:
            text = f"a task process cannot open {self._name}: {error.strerror}"
            raise TaskError("download-failed", text) from error
        try:
            self._check()
        except TaskError:
            self.close()
            raise

    def read(self):
        """b"" = all of the part has been read, of the very file that was submitted."""
        if self._at == self._end:
            self._check()
            return b""
        chunk = os.pread(self._descriptor, min(_READ_BYTES, self._end - self._at), self._at)
        if not chunk:
            raise self._changed()
        self._at += len(chunk)
        return chunk

    def close(self):
        os.close(self._descriptor)

    def _check(self):
        stat = os.fstat(self._descriptor)
        mtime_ms = stat.st_mtime_ns / 1e6
        # Both were rounded to doubles, not in the same way.
        is_same = mtime_ms // 1 == self._mtime_ms // 1 or abs(mtime_ms - self._mtime_ms) < 1e-3
        if stat.st_size != self._size or not is_same:
            raise self._changed()

    def _changed(self):
        text = f"input {self._name} changed while the job runs; submit the job again when the file"
        return TaskError("data-lost", f"{text} is complete")
