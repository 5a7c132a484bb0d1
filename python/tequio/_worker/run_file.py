"""Runs, manifests and the files that hold them: the formats of docs/protocols/block.md.

What is written shares no beginnings of keys, which readers allow: finding them would take longer
than moving the bytes."""

import errno
import os
import struct
from bisect import bisect_left
from hashlib import sha256
from itertools import accumulate, chain, islice, repeat
from operator import add
from zlib import crc32

from .._values.errors import damaged, disk_failure
from .._values.keys import KEY_MAX_BYTES
from .._values.values import VALUE_MAX_BYTES
from .._values.varint import read_varint, varint

_RUN_MAGIC = b"TQR\x01"
_MANIFEST_MAGIC = b"TQM\x01"
_BLOCK_TARGET_BYTES = 64 * 1024 - 8
_BLOCK_MAX_BYTES = 64 * 1024 + KEY_MAX_BYTES + VALUE_MAX_BYTES + 32
_TRAILER_BYTES = 20
_RUN_MIN_BYTES = 4 + 8 + 4 + _TRAILER_BYTES
_header = struct.Struct("<II")
_trailer = struct.Struct("<IIQ")
_sum = struct.Struct("<I")
# One byte each, and what opens an entry with a key of so many bytes.
_ONE = [bytes((n,)) for n in range(128)]
_HEADS = [b"\0" + one for one in _ONE]


# What all files of a task may have, where no disk says so, and what they have.
_room = {"most": None, "held": 0}


def limit_files(max_bytes):
    """From here on files may have so many bytes in all: of a task in a tab, where they lie in
    memory."""
    _room.update(most=max_bytes, held=0)


class FileSink:
    """A file that is written through a buffer. An error of the disk is raised again by every later
    call: job code may swallow it."""

    def __init__(self, path):
        self.path = path
        self.size_bytes = 0
        self._broken = None
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file = os.fdopen(descriptor, "wb", 256 * 1024)
        except OSError as error:
            raise disk_failure(error, path) from error

    def write(self, data):
        """Errors: `storage-full`, `storage-failed`, `limit-exceeded` as the disk says."""
        if _room["most"] is not None:
            self._try(_take_room, len(data))
        self._try(self._file.write, data)
        self.size_bytes += len(data)

    def close(self):
        """May be called twice."""
        if not self._file.closed:
            self._try(self._file.close)

    def discard(self):
        """Closes and leaves no file."""
        try:
            self._file.close()
        except OSError:
            pass
        remove(self.path)

    def _try(self, call, *arguments):
        if self._broken is not None:
            raise self._broken
        try:
            call(*arguments)
        except OSError as error:
            self._broken = disk_failure(error, self.path)
            raise self._broken from error


def _take_room(size):
    _room["held"] += size
    if _room["held"] > _room["most"]:
        raise OSError(errno.ENOSPC, "no room")


def remove(path):
    """The file is gone, also when there was none."""
    try:
        if _room["most"] is not None:
            _room["held"] -= os.stat(path).st_size
        os.unlink(path)
    except FileNotFoundError:
        pass


class RunWriter:
    """Writes one run, keys in their order."""

    def __init__(self, sink):
        self._sink = sink
        self._hash = sha256()
        self._parts = []
        self._held = 0
        self._largest = 0
        self.entries = 0
        self.size_bytes = 0

    def pairs(self, pairs):
        """Entries whose keys all differ: (key bytes, value bytes)."""
        parts, held, added = self._parts, self._held, 0
        heads, ones = _HEADS, _ONE
        append = parts.append
        for key, value in pairs:
            length, size = len(key), len(value)
            if length < 128 and size < 128:
                append(heads[length] + key + ones[size] + value)
                held += length + size + 3
            else:
                entry = b"\0%b%b%b%b" % (varint(length), key, varint(size), value)
                append(entry)
                held += len(entry)
            added += 1
            if held >= _BLOCK_TARGET_BYTES:
                self._flush()
                parts, held = self._parts, 0
                append = parts.append
        self._held = held
        self.entries += added

    def columns(self, keys, values):
        """The same entries as two lists of bytes, with one step for all that a block has of them.
        They are a few thousand: what this takes besides grows with them."""
        lengths, sizes = list(map(len, keys)), list(map(len, values))
        if max(lengths, default=0) >= 128 or max(sizes, default=0) >= 128:
            self.pairs(zip(keys, values))
            return
        heads, ones = map(_HEADS.__getitem__, lengths), map(_ONE.__getitem__, sizes)
        entries = zip(heads, keys, ones, values)
        ends = list(accumulate(map(add, map(add, lengths, sizes), repeat(3))))
        start = written = 0
        while start < len(keys):
            # Up to the first entry that fills the block.
            full = written + _BLOCK_TARGET_BYTES - self._held
            stop = min(bisect_left(ends, full, start) + 1, len(keys))
            self._parts.append(b"".join(chain.from_iterable(islice(entries, stop - start))))
            self._held += ends[stop - 1] - written
            start, written = stop, ends[stop - 1]
            if self._held >= _BLOCK_TARGET_BYTES:
                self._flush()
        self.entries += len(keys)

    def values(self, key, values):
        """An entry of the key for each value; may be called again with the same key."""
        first = b"\0%b%b" % (varint(len(key)), key)
        for value in values:
            entry = b"%b%b%b" % (first, varint(len(value)), value)
            self._parts.append(entry)
            self._held += len(entry)
            self.entries += 1
            first = varint(len(key)) + b"\0"
            if self._held >= _BLOCK_TARGET_BYTES:
                self._flush()
                first = b"\0%b%b" % (varint(len(key)), key)

    def finish(self):
        """Writes what is left and the trailer; without entries nothing. Its SHA-256, or ""."""
        if self.entries == 0:
            return ""
        self._flush()
        trailer = _trailer.pack(0, self._largest, self.entries)
        self._emit(trailer + _sum.pack(crc32(trailer)))
        return self._hash.hexdigest()

    def _flush(self):
        payload = b"".join(self._parts)
        self._parts = []
        self._held = 0
        if not payload:
            return
        if self.size_bytes == 0:
            self._emit(_RUN_MAGIC)
        self._largest = max(self._largest, len(payload))
        self._emit(_header.pack(len(payload), crc32(payload)))
        self._emit(payload)

    def _emit(self, data):
        self.size_bytes += len(data)
        self._hash.update(data)
        self._sink.write(data)


class PartitionFile:
    """A file with one run for each partition, in the order of the partitions."""

    def __init__(self, path):
        self._sink = FileSink(path)
        self.partitions = []

    def partition(self, fill):
        """Writes the next partition: `fill(writer)` gives its entries, maybe none."""
        run = RunWriter(self._sink)
        fill(run)
        digest = run.finish()
        self.partitions.append((run.size_bytes, run.entries, digest))

    def finish(self):
        """Closes the file."""
        self._sink.close()

    def discard(self):
        """Closes and leaves no file."""
        self._sink.discard()


def encode_manifest(partitions):
    """The bytes of a manifest of these (size in bytes, entries, SHA-256)."""
    parts = [_MANIFEST_MAGIC, varint(len(partitions))]
    for size, entries, digest in partitions:
        parts.append(varint(size))
        if size > 0:
            parts += (varint(entries), bytes.fromhex(digest))
    return b"".join(parts)


class RunReader:
    """Reads a run inside a file, a block at a time. With `sha256` the whole is verified by the time
    that its last block is given out."""

    def __init__(self, segment):
        self._path = segment["path"]
        self._at = segment["offset"]
        self._end = self._at + segment["sizeBytes"]
        self._sha256 = segment.get("sha256")
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY)
        except OSError as error:
            raise disk_failure(error, self._path) from error
        if self._end - self._at < _RUN_MIN_BYTES:
            raise damaged("a run is too short")
        self._trailer = self._pread(_TRAILER_BYTES, self._end - _TRAILER_BYTES)
        zero, self.block_bytes, self.entries = _trailer.unpack_from(self._trailer)
        (expected,) = _sum.unpack_from(self._trailer, 16)
        is_whole = zero == 0 and crc32(self._trailer[:16]) == expected
        if not is_whole or self.block_bytes > _BLOCK_MAX_BYTES:
            raise damaged("the trailer of a run")

    def blocks(self):
        """Lists of (key bytes, value bytes), in order."""
        digest = sha256()
        magic = self._next(len(_RUN_MAGIC), digest)
        if magic != _RUN_MAGIC:
            raise damaged("this is no run")
        seen = 0
        while self._end - self._at > _TRAILER_BYTES:
            size, expected = _header.unpack(self._next(8, digest))
            if not 0 < size <= self.block_bytes or self._at + size > self._end - _TRAILER_BYTES:
                raise damaged("a block is longer than its run")
            payload = self._next(size, digest)
            if crc32(payload) != expected:
                raise damaged("the checksum of a block does not match")
            block = _entries(payload)
            seen += len(block)
            if self._end - self._at <= _TRAILER_BYTES:
                self._check_end(seen, digest)
            yield block

    def close(self):
        """May be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _check_end(self, seen, digest):
        if seen != self.entries or self._end - self._at != _TRAILER_BYTES:
            raise damaged("a run has not the entries it promises")
        digest.update(self._trailer)
        if self._sha256 is not None and digest.hexdigest() != self._sha256:
            raise damaged("the hash of a partition does not match")

    def _next(self, count, digest):
        data = self._pread(count, self._at)
        self._at += count
        digest.update(data)
        return data

    def _pread(self, count, offset):
        parts = []
        while count > 0:
            try:
                part = os.pread(self._descriptor, count, offset)
            except OSError as error:
                raise disk_failure(error, self._path) from error
            if not part:
                raise damaged(f"{self._path} ends too early")
            parts.append(part)
            count -= len(part)
            offset += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _entries(payload):
    entries = []
    append = entries.append
    key = b""
    at = 0
    end = len(payload)
    try:
        while at < end:
            shared, unshared = payload[at], payload[at + 1]
            if shared == 0 and unshared < 128:
                # As runs of Python are.
                stop = at + 2 + unshared
                size = payload[stop]
                if size < 128:
                    key = payload[at + 2 : stop]
                    at = stop + 1 + size
                    append((key, payload[stop + 1 : at]))
                    continue
            if shared < 128 and unshared < 128:
                at += 2
            else:
                shared, at = read_varint(payload, at)
                unshared, at = read_varint(payload, at)
            if shared == 0:
                key = payload[at : at + unshared]
            elif unshared or shared != len(key):
                if shared > len(key):
                    raise damaged("a key shares more than there is")
                key = key[:shared] + payload[at : at + unshared]
            at += unshared
            size = payload[at]
            if size < 128:
                at += 1
            else:
                size, at = read_varint(payload, at)
            append((key, payload[at : at + size]))
            at += size
    except IndexError:
        raise damaged("ends too early") from None
    if at != end or len(key) > KEY_MAX_BYTES:
        raise damaged("an entry is longer than its block")
    return entries


def write_file(path, data):
    """A small file, whole. Errors as of `FileSink`."""
    sink = FileSink(path)
    sink.write(data)
    sink.close()
