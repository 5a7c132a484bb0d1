"""The input of a map task in a tab: pieces that lie in its memory, handed over in parts."""

from .._worker.source import Piece


class TabSource:
    """`given` is of JavaScript: `nextPiece()` gives `{file, offset, head}` or null, `read()` the
    next bytes of the piece, none at its end, `inputBytes()` how many were read."""

    def __init__(self, on_read):
        self._on_read = on_read
        self._given = None
        self.input_bytes = 0

    def give(self, given):
        """The input of the next task."""
        self._given = given

    def start_task(self):
        """As of a pipe."""
        self.input_bytes = 0

    def drain(self):
        """As of a pipe; nothing is read ahead here."""
        self._given = None

    def next_piece(self):
        """The next piece, None after the last."""
        piece = self._given.nextPiece()
        if not piece:
            return None
        head = piece.head
        return Piece(piece.file, int(piece.offset), head.to_bytes() if head else None)

    def read(self):
        """Some bytes of the piece; b"" at its end."""
        data = self._given.read().to_bytes()
        self.input_bytes = self._given.inputBytes()
        self._on_read(self.input_bytes)
        return data
