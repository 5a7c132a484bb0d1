"""Cuts bytes that come in pieces into lines. Each piece is looked at once, however long the line is
that it belongs to."""

from typing import List


class LineCutter:
    """rest_bytes: of the line that has not ended; the caller decides how long it may be."""

    def __init__(self) -> None:
        self._pieces: List[bytes] = []
        self.rest_bytes = 0

    def add(self, piece: bytes) -> List[bytes]:
        """The lines that end in this piece, without their newlines."""
        first, *more = piece.split(b"\n")
        self._pieces.append(first)
        self.rest_bytes += len(first)
        if not more:
            return []
        lines = [b"".join(self._pieces), *more]
        self._pieces = [lines.pop()]
        self.rest_bytes = len(self._pieces[0])
        return lines

    def end(self) -> bytes:
        """What came behind the last newline."""
        return b"".join(self._pieces)
