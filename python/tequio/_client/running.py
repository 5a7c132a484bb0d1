"""A job that has been submitted: to be waited for, followed, cancelled, and its result."""

from typing import Any, Dict, Iterator, Optional

from .api import Api
from .failure import ClusterError
from .progress import Progress, html_of, line_of
from .result import Result


class RunningJob:
    """A job of the cluster, which goes on without this program.

    job: its id, as "j-7", for `tequio status` and the like."""

    def __init__(self, api: Api, job: str) -> None:
        self._api = api
        self.job = job

    def summary(self) -> Dict[str, Any]:
        """JobSummary now: its `state` ("running", "done", "failed", "cancelled"), stages,
        counters."""
        return self._api.job(self.job)

    def watch(self) -> Iterator[Dict[str, Any]]:
        """JobSummary at once, then on every change, the last when the job has ended. A coordinator
        that restarts is waited for, 60 s."""
        return self._api.watch(self.job)

    def wait(self, progress: Optional[bool] = None) -> Dict[str, Any]:
        """The summary at its end. progress: show it; default: in terminals and notebooks.

        Errors: the job's failure as `ClusterError`; Ctrl-C cancels the job, and is raised again."""
        shown = Progress(progress)
        summary: Dict[str, Any] = {}
        try:
            for summary in self.watch():
                shown.show(summary)
        except BaseException as error:
            # The coordinator may be away for longer than this program waits: the job goes on.
            if not isinstance(error, ClusterError):
                self.cancel_quietly()
            raise
        finally:
            shown.end()
        if summary["state"] != "done":
            raise failure_of(summary)
        return summary

    def result(self, progress: Optional[bool] = None) -> Result:
        """Waits, and gives the result. Errors: as `wait`."""
        return Result(self._api, self.wait(progress))

    def cancel(self) -> None:
        """No new attempt, no output. A job that has ended stays as it is."""
        self._api.cancel(self.job)

    def cancel_quietly(self) -> None:
        """The same on the way out of an error, which counts more than that this fails."""
        try:
            self.cancel()
        except ClusterError:
            pass

    def __repr__(self) -> str:
        return f"<RunningJob {self.job} at {self._api.transport.url}>"

    def _repr_html_(self) -> str:
        return html_of(self.summary())

    def __str__(self) -> str:
        return line_of(self.summary())


def failure_of(summary: Dict[str, Any]) -> ClusterError:
    """Why a job has ended without a result."""
    job, failure = summary["job"], summary["failure"]
    if failure is None:
        return ClusterError("conflict", f"{job} was cancelled")
    text = f"{job} failed: {failure['message']}"
    return ClusterError(failure["code"], text, failure.get("stack", ""))
