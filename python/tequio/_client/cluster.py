"""What a Python program does with a cluster: `Cluster`."""

import os
from functools import partial
from typing import (
    Any,
    Callable,
    Dict,
    Generator,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    TypeVar,
    Union,
)

from .._plan.answer import write_items
from .._values.errors import TaskError
from ..jobs import Job
from .api import Api
from .calls import submit_planned
from .executor import Batches, Executor
from .failure import ClusterError
from .inputs import Inputs, find_inputs
from .job_file import declared_file, operator_declared
from .mapping import Mapping as Calls
from .mapping import mapped
from .place import Wanted, find_target
from .plan import Declared, Settings, merge_params, plan_files, plan_items
from .result import Result
from .running import RunningJob
from .ship.code import Shipping, declared_call, declared_job
from .transport import Transport

T = TypeVar("T")
R = TypeVar("R")
JobOrFile = Union[Job, str, "os.PathLike[str]"]
_DECLARED_MAX = 64


class Cluster:
    """A coordinator that has answered. May be used by several threads; `close()` or `with` closes
    its connections, not its jobs."""

    def __init__(self, api: Api, functions: str, wheels: Optional[str] = None) -> None:
        self._api = api
        self._shipping = Shipping(functions, api.workers, wheels)
        self._declared: Dict[Any, Declared] = {}

    @classmethod
    def connect(
        cls,
        url: Optional[str] = None,
        *,
        token: Optional[str] = None,
        token_file: Optional[str] = None,
        fingerprint: Optional[str] = None,
        data: Optional[str] = None,
        functions: str = "auto",
        wheels: "Union[str, os.PathLike[str], None]" = None,
    ) -> "Cluster":
        """Finds the coordinator as the command line does: `url` with a token, else TEQUIO_URL,
        TEQUIO_TOKEN and TEQUIO_FINGERPRINT, else the one of this machine, in `data`, TEQUIO_DATA or
        ~/.local/share/tequio.

        fingerprint: SHA-256 of its certificate, 64 hex digits, as `tequio up` prints it. functions:
        how they travel: "source"; "cloudpickle"; "auto", the default: as source, or pickled when
        that cannot be and cloudpickle is installed. wheels: a folder of packages; those that the
        `requires` of a job names travel with it, and workers need not have them.
        Errors: `unavailable` when nothing answers, `unauthenticated` for a wrong token."""
        wanted = Wanted(url, token, token_file, fingerprint, data)
        api = Api(Transport(find_target(wanted)))
        try:
            api.health()
            api.me()
        except BaseException:
            api.transport.close()
            raise
        return cls(api, functions, None if wheels is None else os.path.abspath(wheels))

    def submit(
        self,
        job: JobOrFile,
        inputs: Inputs = None,
        *,
        params: Optional[Mapping[str, Any]] = None,
        name: Optional[str] = None,
        key: Optional[str] = None,
        reducers: Optional[int] = None,
        split_bytes: Optional[int] = None,
        weight: int = 1,
        priority: str = "normal",
        keep_going: bool = False,
    ) -> RunningJob:
        """Submits a job: a Python job file, or what `map_reduce`, `tasks` or operators made in
        this program.

        inputs: a path or a list of them: files, folders, globs; `{"users": path}` for a job of
        several inputs. params: JSON values over the job's. key: the same key and job give the same
        job again, at most 200 characters. reducers: 0 to 100,000, over the job's own. split_bytes:
        of input that one map task reads, default 64 MiB. weight: 1 to 1,000, share against other
        jobs. priority: "high", "normal" or "low", beside jobs of the same owner. keep_going: of a
        list of tasks: when some fail, after all their attempts, the job is done with the results of
        the others, and `Result.failed_tasks` has the failed; default: it fails.
        Errors: `build-failed` for a job that cannot be used, `bad-request` for inputs."""
        declared, items = self._declare(job, params or {})
        shown = name or declared.options.get("name") or _name_of(job)
        settings = Settings(
            shown, params or {}, reducers, split_bytes, weight, priority, keep_going
        )
        if keep_going and declared.kind != "tasks":
            raise ClusterError("bad-request", "keep_going is for lists of tasks; leave it out")
        if declared.kind == "tasks":
            if inputs is not None:
                raise ClusterError("bad-request", "a list of tasks reads no inputs; use params")
            planned = plan_items(declared, items(), settings)
        else:
            planned = plan_files(declared, find_inputs(inputs, declared.inputs), settings)
        return submit_planned(self._api, planned, key)

    def run(
        self,
        job: JobOrFile,
        inputs: Inputs = None,
        *,
        progress: Optional[bool] = None,
        **options: Any,
    ) -> Result:
        """Submits a job, waits, and gives its result; Ctrl-C cancels it.

        progress: show it; default: in terminals and notebooks. The other options are those of
        `submit`, and so are the errors, besides the job's own failure with its remote traceback."""
        return self.submit(job, inputs, **options).result(progress)

    def map(
        self,
        function: Callable[[T], R],
        items: Iterable[T],
        *,
        chunk: int = 1,
        window: int = 10_000,
        name: Optional[str] = None,
        requires: Sequence[str] = (),
        timeout_ms: int = 0,
        progress: Optional[bool] = None,
    ) -> Generator[R, None, None]:
        """What the function returns for each item, in the order of the items. Items and results are
        JSON values: a tuple comes back as a list.

        chunk: items of one task, 1 to 10,000; more than one is faster for calls of less than about
        a millisecond. window: items of one job, of which two are on their way: results come when
        their job is done. requires: packages that workers must have. timeout_ms: of one task, 0 =
        none.
        Errors: what the function raises as `CallFailed`, at its place; Ctrl-C, an error, or closing
        the generator cancel the rest. A worker that is lost costs only time."""
        for limit, value in (("chunk", chunk), ("window", window)):
            if type(value) is not int or not 1 <= value <= 1_000_000:
                text = f"{limit} is {value!r}; it must be a whole number from 1 to 1000000"
                raise ClusterError("bad-request", text)
        form = {"call": "item", "chunk": chunk, "name": _function_name(function)}
        options = _call_options(requires, timeout_ms)
        declared = declared_call(function, form, (self._shipping, options))
        settings = Settings(name or _function_name(function))
        return mapped(Calls(self._api, declared, settings, chunk, window, progress), items)

    def executor(
        self,
        *,
        delay_ms: float = 5,
        jobs: int = 8,
        requires: Sequence[str] = (),
        timeout_ms: int = 0,
    ) -> Executor:
        """An Executor of `concurrent.futures`, also for `asyncio`'s `run_in_executor`.

        delay_ms: how long a call waits for others that go into one job with it. jobs: at once, 1 or
        more. requires, timeout_ms: as of `map`, a task being one call."""
        if jobs < 1 or delay_ms < 0:
            raise ClusterError("bad-request", "jobs must be 1 or more, delay_ms 0 or more")
        options = _call_options(requires, timeout_ms)
        declare = partial(self._declare_call, options)
        return Executor(Batches(self._api, declare, delay_ms / 1000, jobs))

    def workers(self) -> List[Dict[str, Any]]:
        """WorkerSummary of each: `name`, `state`, `slots`, `python` (its version) and more."""
        return self._api.workers()

    def job(self, job: str) -> RunningJob:
        """A job that was submitted before, by its id. Errors: `not-found`."""
        self._api.job(job)
        return RunningJob(self._api, job)

    def close(self) -> None:
        """Closes kept connections. Jobs go on."""
        self._api.transport.close()

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Cluster at {self._api.transport.url}>"

    def _declare(self, job: JobOrFile, params: Mapping[str, Any]) -> Any:
        """The job, and what makes its items."""
        if isinstance(job, Job) and job.kind == "operator":
            return operator_declared(job.options["operator"], job.options["declared"]), None
        if not isinstance(job, Job):
            return declared_file(os.fspath(job), params, self._shipping.wheels)
        declared = declared_job(job, self._shipping)
        return declared, lambda: _items_of(job, merge_params(declared.params, params))

    def _declare_call(self, options: Mapping[str, Any], function: Any) -> Declared:
        """Once for each function of an executor: its source is read once."""
        known = (function, tuple(options["requires"]), options["timeout_ms"])
        try:
            declared = self._declared.get(known)
        except TypeError as error:
            text = f"a {type(function).__name__} cannot be called on a cluster; give a function"
            raise ClusterError("bad-request", text) from error
        if declared is None:
            form = {"call": "arguments", "chunk": 1, "name": _function_name(function)}
            declared = declared_call(function, form, (self._shipping, options))
            if len(self._declared) >= _DECLARED_MAX:
                self._declared.clear()
            self._declared[known] = declared
        return declared


def _call_options(requires: Sequence[str], timeout_ms: int) -> Dict[str, Any]:
    """What a function raises is final, so that what else ends a call would end it again."""
    return {"requires": list(requires), "timeout_ms": timeout_ms, "attempts": 1}


def _items_of(job: Job, params: Mapping[str, Any]) -> bytes:
    import io

    lines = io.BytesIO()
    try:
        write_items(job, params, lines)
    except TaskError as error:
        raise ClusterError(error.code, error.text) from error.__cause__
    return lines.getvalue()


def _name_of(job: JobOrFile) -> str:
    return "job" if isinstance(job, Job) else os.path.basename(os.fspath(job))


def _function_name(function: Any) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return str(name)[:100]
