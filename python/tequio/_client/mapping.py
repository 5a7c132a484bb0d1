"""Calls a function for many items (`Cluster.map`), as jobs of a bounded size, two of them at once,
so that a list of any length takes the memory of two."""

from collections import deque
from itertools import chain, islice
from typing import Any, Deque, Generator, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from .api import Api
from .calls import item_line, outcomes, submit_calls
from .plan import Declared, Settings
from .progress import Progress
from .running import RunningJob

_AT_ONCE = 2
_JOB_MAX_BYTES = 32 * 1024 * 1024


class Mapping(NamedTuple):
    """`chunk`: items of one task. `window`: items of one job. `progress`: as of `Cluster.map`."""

    api: Api
    declared: Declared
    settings: Settings
    chunk: int
    window: int
    progress: Optional[bool]


def mapped(mapping: Mapping, items: Iterable[Any]) -> Generator[Any, None, None]:
    """What the function returns for each item, in order. The first jobs are submitted at once."""
    failures: List[Exception] = []
    lines = _until_failure(_lines(items, mapping.chunk), failures)
    waiting: Deque[RunningJob] = deque()
    _fill(mapping, lines, waiting)
    if failures and not waiting:
        raise failures[0]
    return _results(mapping, (lines, failures), waiting)


def _until_failure(lines: Iterator[bytes], failures: List[Exception]) -> Iterator[bytes]:
    """What the items end with is raised behind the results of those before it."""
    try:
        yield from lines
    except Exception as error:
        failures.append(error)


def _results(
    mapping: Mapping, source: Tuple[Iterator[bytes], List[Exception]], waiting: "Deque[RunningJob]"
) -> Generator[Any, None, None]:
    lines, failures = source
    index = 0
    progress = Progress(mapping.progress)
    try:
        while waiting:
            for outcome in outcomes(mapping.api, waiting[0], progress):
                yield outcome.get(index)
                index += 1
            waiting.popleft()
            _fill(mapping, lines, waiting)
        if failures:
            raise failures[0]
    finally:
        # After an error, Ctrl-C, or when the rest is not wanted.
        for running in waiting:
            running.cancel_quietly()


def _fill(mapping: Mapping, lines: Iterator[bytes], waiting: "Deque[RunningJob]") -> None:
    try:
        while len(waiting) < _AT_ONCE:
            window = _window(lines, max(1, mapping.window // mapping.chunk))
            if not window:
                return
            given = (window, mapping.settings)
            waiting.append(submit_calls(mapping.api, mapping.declared, given))
    except BaseException:
        for running in waiting:
            running.cancel_quietly()
        raise


def _window(lines: Iterator[bytes], most: int) -> List[bytes]:
    taken: List[bytes] = []
    size = 0
    for line in islice(lines, most):
        taken.append(line)
        size += len(line)
        if size > _JOB_MAX_BYTES:
            break
    return taken


def _lines(items: Iterable[Any], chunk: int) -> Iterator[bytes]:
    """A task's items as a line."""
    if chunk == 1:
        for index, item in enumerate(items):
            yield item_line(item, f"item {index}")
        return
    rest = iter(items)
    index = 0
    for first in rest:
        some = list(chain([first], islice(rest, chunk - 1)))
        yield item_line(some, f"items {index} to {index + len(some) - 1}")
        index += len(some)
