"""An Executor of `concurrent.futures` whose calls run on a cluster. Calls that are made within some
milliseconds of each other go into one job, since a job for each would be slow."""

import atexit
import threading
import time
import weakref
from concurrent.futures import Executor as BaseExecutor
from concurrent.futures import Future
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set

from .api import Api
from .calls import item_line, outcomes, submit_calls
from .failure import ClusterError
from .plan import Declared, Settings
from .progress import Progress
from .running import RunningJob

_CALLS_MAX = 10_000
_JOB_MAX_BYTES = 32 * 1024 * 1024
# Failures that one call of a job brings upon the others.
_OF_ONE_CALL = ("user-error", "task-crashed", "out-of-memory", "timed-out", "limit-exceeded")


class _Made(NamedTuple):
    """A call that was made: its function as a job, the arguments as a line, and its future."""

    declared: Declared
    name: str
    line: bytes
    future: "Future[Any]"


class Batches(NamedTuple):
    """`declare(function)` is its job without items. `delay_s`: how long a call waits for others.
    `jobs`: how many jobs run at once."""

    api: Api
    declare: Callable[[Any], Declared]
    delay_s: float
    jobs: int


class Executor(BaseExecutor):
    """Made by `Cluster.executor()`. Arguments and results are JSON values; what the function raises
    is raised by `Future.result()` as `CallFailed`, with the remote traceback.

    A future can be cancelled until its result is here; when all calls of a job are cancelled, so is
    the job. Ctrl-C inside `with` cancels what is left."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._lock = threading.Condition()
        self._made: List[_Made] = []
        # Those that are not done.
        self._open: Set["Future[Any]"] = set()
        self._running: Dict[RunningJob, List[_Made]] = {}
        self._active = 0
        self._is_shut = False
        self._dispatcher: Optional[threading.Thread] = None
        _unfinished.add(self)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """The future of `fn(*args, **kwargs)`. Errors: `bad-request` for arguments that are no
        JSON, `build-failed` for a function that cannot travel; RuntimeError after `shutdown`."""
        declared = self._batches.declare(fn)
        shown = getattr(fn, "__name__", "calls")[:100]
        line = item_line([list(args), kwargs], "the arguments")
        future: "Future[Any]" = Future()
        with self._lock:
            if self._is_shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._made.append(_Made(declared, shown, line, future))
            self._open.add(future)
            if self._dispatcher is None:
                name = "tequio-dispatcher"
                self._dispatcher = threading.Thread(target=self._dispatch, name=name, daemon=True)
                self._dispatcher.start()
            self._lock.notify_all()
        future.add_done_callback(self._when_done)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No further calls. wait: until all futures are done. cancel_futures: also those that
        run."""
        with self._lock:
            self._is_shut = True
            self._lock.notify_all()
        if cancel_futures:
            self._cancel_all()
        if not wait:
            return
        try:
            with self._lock:
                while self._made or self._active:
                    # In parts, so that Ctrl-C is seen on every system.
                    self._lock.wait(1)
        except BaseException:
            self._cancel_all()
            raise

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        is_left = kind is not None and not issubclass(kind, Exception)
        self.shutdown(wait=True, cancel_futures=is_left)

    def _cancel_all(self) -> None:
        with self._lock:
            left = list(self._open)
        for future in left:
            future.cancel()

    def _when_done(self, future: "Future[Any]") -> None:
        """A job of which nothing is wanted any more is cancelled."""
        with self._lock:
            self._open.discard(future)
            if not future.cancelled():
                return
            unwanted = [
                running
                for running, made in self._running.items()
                if all(call.future.cancelled() for call in made)
            ]
        for running in unwanted:
            # Not here: a callback must not wait for the network.
            threading.Thread(target=running.cancel_quietly, daemon=True).start()

    def _dispatch(self) -> None:
        """Takes calls as long as there may be some, and starts a thread for each job."""
        while True:
            with self._lock:
                while not self._made or self._active >= self._batches.jobs:
                    if self._is_shut and not self._made:
                        return
                    self._lock.wait()
                self._gather()
                batch = self._take()
                self._active += 1
            threading.Thread(target=self._run_batch, args=(batch,), daemon=True).start()

    def _gather(self) -> None:
        """Waits until the delay is over since the first call, or a job is full."""
        until = time.monotonic() + self._batches.delay_s
        while len(self._made) < _CALLS_MAX and not self._is_shut:
            left = until - time.monotonic()
            if left <= 0:
                return
            self._lock.wait(left)

    def _take(self) -> List[_Made]:
        """Calls of one function, in their order; those of others stay."""
        # Two lambdas of the same line are one function.
        code = self._made[0].declared.code
        batch: List[_Made] = []
        rest: List[_Made] = []
        size = 0
        for call in self._made:
            fits = len(batch) < _CALLS_MAX and size < _JOB_MAX_BYTES
            if fits and call.declared.code == code:
                batch.append(call)
                size += len(call.line)
            else:
                rest.append(call)
        self._made = rest
        return batch

    def _run_batch(self, batch: List[_Made]) -> None:
        try:
            self._run(batch)
        except BaseException as error:
            for call in batch:
                _settle(call.future, lambda future: future.set_exception(error))
        with self._lock:
            self._active -= 1
            self._lock.notify_all()

    def _run(self, batch: List[_Made]) -> None:
        wanted = [call for call in batch if not call.future.cancelled()]
        if not wanted:
            return
        api, first = self._batches.api, wanted[0]
        given = ([call.line for call in wanted], Settings(name=first.name))
        running = submit_calls(api, first.declared, given)
        with self._lock:
            self._running[running] = wanted
        try:
            if all(call.future.cancelled() for call in wanted):
                running.cancel_quietly()
                return
            for call, outcome in zip(wanted, outcomes(api, running, Progress(False))):
                _settle(call.future, lambda future: _finish(future, outcome))
        except ClusterError as error:
            if all(call.future.cancelled() for call in wanted):
                return
            self._again(wanted, error)
        finally:
            with self._lock:
                del self._running[running]

    def _again(self, calls: List[_Made], error: ClusterError) -> None:
        """One call that crashes must not fail the others: each half runs again, until it is
        found."""
        left = [call for call in calls if not call.future.done()]
        if len(left) < 2 or error.code not in _OF_ONE_CALL:
            for call in left:
                _settle(call.future, lambda future: future.set_exception(error))
            return
        half = len(left) // 2
        self._run(left[:half])
        self._run(left[half:])


def _settle(future: "Future[Any]", settle: Callable[["Future[Any]"], None]) -> None:
    """Unless it was cancelled meanwhile, or is done."""
    if not future.done() and future.set_running_or_notify_cancel():
        settle(future)


def _finish(future: "Future[Any]", outcome: Any) -> None:
    try:
        future.set_result(outcome.get())
    except ClusterError as error:
        future.set_exception(error)


_unfinished: "weakref.WeakSet[Executor]" = weakref.WeakSet()


@atexit.register
def _finish_all() -> None:
    """As the executors of Python do: a program that ends waits for its calls."""
    for executor in list(_unfinished):
        executor.shutdown(wait=True)
