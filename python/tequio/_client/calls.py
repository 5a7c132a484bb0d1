"""Calls of one function as jobs: a list of tasks whose results say what was returned or raised."""

import json
from typing import Any, Dict, Iterator, NamedTuple, Optional

from .._values.errors import TaskError
from .._values.json_text import json_bytes, json_text
from .api import Api
from .failure import CallFailed, ClusterError
from .plan import Declared, Planned, Settings, plan_blob, plan_items, uploaded
from .progress import Progress
from .running import RunningJob, failure_of

_WAIT_MS = 20_000
# So long a job may take before its progress is shown.
_QUIET_MS = 400
_TRIES_MAX = 20


class Outcome(NamedTuple):
    """What became of one call: `failure` is None when it returned."""

    value: Any
    failure: Optional[Dict[str, Any]]

    def get(self, index: Optional[int] = None) -> Any:
        """What was returned. Errors: `CallFailed` with the remote traceback for what was raised."""
        if self.failure is None:
            return self.value
        said = self.failure
        text, stack = said["message"], said.get("stack", "")
        if index is not None:
            text = f"{text} (item {index})"
        raise CallFailed(said["code"], text, stack, exception=said["exception"], index=index)


def item_line(item: Any, where: str) -> bytes:
    """The item as a line of JSON. Errors: `bad-request` with the place of what is no JSON."""
    try:
        return json_bytes(json_text(item, where) + "\n")
    except TaskError as error:
        raise ClusterError("bad-request", error.text) from None


def submit_planned(api: Api, planned: Planned, key: Optional[str] = None) -> RunningJob:
    """Stores what the job names, then submits it. Files stay where they are when the coordinator is
    on their machine and lets this user name paths; else they are uploaded."""
    if key is not None and not 1 <= len(key) <= 200:
        text = f"the key of the job has {len(key)} characters; it must have 1 to 200"
        raise ClusterError("bad-request", text)
    if planned.has_paths():
        at = next(f["at"] for f in planned.plan["files"] if f["at"]["kind"] == "path")
        if at["host"] == api.host():
            try:
                return _submit(api, planned, key)
            except ClusterError as error:
                if error.code != "forbidden":
                    raise
        planned = uploaded(planned)
    return _submit(api, planned, key)


def _submit(api: Api, planned: Planned, key: Optional[str]) -> RunningJob:
    blob = plan_blob(planned.plan)
    spec = {**planned.spec, "planHash": blob.hash}
    blobs = [*planned.blobs, blob]
    api.put(blobs)
    try:
        return RunningJob(api, api.submit(spec, key))
    except ClusterError as error:
        if error.code != "not-found":
            raise
    # What was there is gone, or another coordinator has the address.
    api.forget_blobs()
    api.put(blobs)
    return RunningJob(api, api.submit(spec, key))


def submit_calls(api: Api, declared: Declared, given: Any) -> RunningJob:
    """`given`: lines of items, and the Settings."""
    lines, settings = given
    return submit_planned(api, plan_items(declared, b"".join(lines), settings))


def outcomes(api: Api, running: RunningJob, progress: Progress) -> Iterator[Outcome]:
    """Of the calls of a job, in order, once it has ended. A coordinator that restarts is waited
    for. Errors: the job's failure."""
    for text in _texts(api, running, progress):
        value = json.loads(text)
        for one in value[1] if _is_chunk(value) else [value]:
            yield Outcome(None, one) if isinstance(one, dict) else Outcome(one[0], None)
    api.fetched(running.job)


def _is_chunk(value: Any) -> bool:
    """A list of outcomes: an outcome is a dict, or a list of one value, which is marked."""
    return isinstance(value, list) and len(value) == 2 and value[0] == "chunk"


def _texts(api: Api, running: RunningJob, progress: Progress) -> Iterator[bytes]:
    """Those that have come are not given again when the answer is cut off."""
    given = tries = 0
    wait_ms = _QUIET_MS if progress.is_shown else _WAIT_MS
    while True:
        try:
            for index, text in enumerate(api.results(running.job, wait_ms)):
                if index >= given:
                    given += 1
                    yield text
            return
        except ClusterError as error:
            tries += 1
            if error.code not in ("conflict", "unavailable") or tries > _TRIES_MAX:
                raise _with_stack(running, error) from None
        try:
            for summary in running.watch():
                progress.show(summary)
        finally:
            progress.end()
        if summary["state"] != "done":
            raise failure_of(summary)


def _with_stack(running: RunningJob, error: ClusterError) -> ClusterError:
    """The job's failure has a traceback, which an answer has not."""
    try:
        summary = running.summary()
    except ClusterError:
        return error
    ended = summary["state"] in ("failed", "cancelled")
    return failure_of(summary) if ended else error
