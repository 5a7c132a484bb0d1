"""Holds pairs back until it is known whether they count."""

from .._values.keys import decode_key, encode_key
from .._values.values import owned


class PendingPairs:
    """Pairs of one record, held back until `map` has returned: a record that is set aside has
    emitted nothing."""

    def __init__(self):
        self._pairs = []

    def __call__(self, key, value):
        if type(key) is not str and type(key) is not int:
            key = decode_key(encode_key(key, "map"))
        self._pairs.append((key, owned(value, "map")))

    def each(self, keys, value=1):
        """As a loop of calls."""
        for key in keys:
            self(key, value)

    def clear(self):
        """The record has emitted nothing."""
        self._pairs.clear()

    def flush(self, emit):
        """Passes the pairs on."""
        for key, value in self._pairs:
            emit(key, value)
        self._pairs.clear()
