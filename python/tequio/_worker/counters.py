"""The counters of one attempt; `count()` of job code ends here."""

import math
from numbers import Integral, Real

from .._values.errors import TaskError

_COUNTERS_MAX = 1000
_NAME_MAX_CHARACTERS = 200


class Counters:
    """What has been counted since the last `take`."""

    def __init__(self):
        self._counts = {}

    def add(self, counter, by):
        """Errors: `user-error` for a name or a number that cannot be one."""
        before = self._counts.get(counter) if isinstance(counter, str) else None
        if before is None:
            self._admit(counter)
        if not isinstance(by, Real) or not math.isfinite(by):
            raise TaskError("user-error", f"count({counter!r}, {by!r}): not a finite number")
        # Of a number of another package what JSON can say.
        number = int(by) if isinstance(by, Integral) else float(by)
        self._counts[counter] = (before or 0) + number

    def __bool__(self):
        return bool(self._counts)

    def take(self):
        """Counts by name; from here on all are 0."""
        counts, self._counts = self._counts, {}
        return counts

    def _admit(self, counter):
        if not isinstance(counter, str) or len(counter) > _NAME_MAX_CHARACTERS:
            what = f"a counter's name is a str of up to {_NAME_MAX_CHARACTERS} characters"
            raise TaskError("user-error", f"count: {what}")
        if len(self._counts) >= _COUNTERS_MAX:
            what = f"more than {_COUNTERS_MAX} counters in one attempt"
            text = f"count: {what}; emit pairs for what has many names"
            raise TaskError("user-error", text)
