"""The calls of the coordinator's HTTP API that a client makes: docs/http-api.md."""

import hashlib
import json
import os
import re
import time
import uuid
from base64 import b64encode
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence
from urllib.parse import quote

from .failure import ClusterError
from .transport import ANSWER_S, Call, Transport

_SMALL_MAX = 16
_SMALL_MAX_BYTES = 256 * 1024
_BODY_MAX_BYTES = 8 * 1024 * 1024
# Well below the hour that the coordinator keeps blobs which no job names.
_SEEN_FOR_S = 600
_SUBMIT_PATIENCE_S = 15
_FOLLOW_PATIENCE_S = 60
_BACKOFF_S = 0.1
_BACKOFF_MAX_S = 2


class Blob(NamedTuple):
    """Bytes, or a file with this content."""

    hash: str
    size_bytes: int
    data: Optional[bytes]
    path: Optional[str] = None


def blob_of(data: bytes) -> Blob:
    """Bytes under their name."""
    return Blob(hashlib.sha256(data).hexdigest(), len(data), data)


def blob_of_file(path: str) -> Blob:
    """A file under the name of its content; read once for it."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1024 * 1024), b""):
            digest.update(chunk)
    return Blob(digest.hexdigest(), os.path.getsize(path), None, path)


class Api:
    """May be used by several threads."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._seen: Dict[str, float] = {}
        self._host: Optional[str] = None

    def health(self) -> Dict[str, Any]:
        """Health; needs no token."""
        health = self._json("GET", "/v1/health")
        self._host = health["host"]
        return health

    def host(self) -> str:
        """The coordinator's machine, as it named it last."""
        return self._host or self.health()["host"]

    def workers(self) -> List[Dict[str, Any]]:
        """WorkerSummary of all workers."""
        return self._json("GET", "/v1/workers")["workers"]

    def me(self) -> Dict[str, Any]:
        """Who the token belongs to."""
        return self._json("GET", "/v1/me")

    def put(self, blobs: Sequence[Blob]) -> None:
        """Stores those that are not there. Small ones go in one call."""
        new = {blob.hash: blob for blob in blobs if not self._is_seen(blob.hash)}
        small = [blob for blob in new.values() if _is_small(blob)][:_SMALL_MAX]
        if small:
            body = {"blobs": [b64encode(blob.data or b"").decode() for blob in small]}
            self._json("POST", "/v1/small-blobs", body)
        for blob in new.values():
            if blob not in small and not self._has(blob.hash):
                self._send(blob)
            self._seen[blob.hash] = time.monotonic()

    def forget_blobs(self) -> None:
        """They may be gone: each is sent again when it is next needed."""
        self._seen.clear()

    def submit(self, spec: Dict[str, Any], key: Optional[str]) -> str:
        """The job's id, once it is durable. Tried again while the coordinator is unavailable, under
        one idempotency key. After Ctrl-C there is no job, unless it has a key of the caller's."""
        body = {"key": key or f"once:{uuid.uuid4()}", "spec": spec}
        if len(json.dumps(body)) > _BODY_MAX_BYTES:
            # Which machine reads what is worth a copy over the network, and not the job.
            body["spec"] = {**spec, "locality": None}
        send = lambda: self._json("POST", "/v1/jobs", body)["job"]  # noqa: E731
        try:
            return patiently(send, _SUBMIT_PATIENCE_S)
        except ClusterError as error:
            known = _of_older(error)
            if known is None:
                raise
            raise known from error
        except BaseException:
            if key is None:
                self._take_back(send)
            raise

    def _take_back(self, send: Callable[[], str]) -> None:
        """What was sent may be a job by now: the same key gives its id."""
        try:
            self.cancel(send())
        except ClusterError:
            pass

    def job(self, job: str) -> Dict[str, Any]:
        """JobSummary."""
        return self._json("GET", _path(job))

    def watch(self, job: str) -> Iterator[Dict[str, Any]]:
        """One JobSummary at once, then on every change, the last when the job has ended. A
        coordinator that restarts is waited for, 60 s."""
        heard, wait = time.monotonic(), _BACKOFF_S
        while True:
            try:
                # A running job has a line at least once a second.
                call = Call("GET", f"{_path(job)}/watch", answer_s=ANSWER_S)
                for line in self.transport.lines(call):
                    summary = json.loads(line)
                    heard, wait = time.monotonic(), _BACKOFF_S
                    yield summary
                    if summary["state"] != "running":
                        return
            except ClusterError as error:
                if error.code != "unavailable" or time.monotonic() - heard > _FOLLOW_PATIENCE_S:
                    raise
            time.sleep(wait)
            wait = min(wait * 2, _BACKOFF_MAX_S)

    def results(self, job: str, wait_ms: int = 0) -> Iterator[bytes]:
        """JSON of the results of a `tasks` job, in order; `conflict` while it runs still after the
        wait. The job's failure when it failed."""
        query = f"?waitMs={wait_ms}" if wait_ms else ""
        call = Call("GET", f"{_path(job)}/results{query}", answer_s=wait_ms / 1000 + ANSWER_S)
        return self.transport.lines(call)

    def failed_tasks(self, job: str) -> Iterator[bytes]:
        """JSON of `{task, code, message}` of each task that failed in a job that kept going."""
        return self.transport.lines(Call("GET", f"{_path(job)}/results?failed=1"))

    def output(self, job: str) -> Dict[str, Any]:
        """Output: the blobs of the result."""
        return patiently(lambda: self._json("GET", f"{_path(job)}/output"), _FOLLOW_PATIENCE_S)

    def blob(self, hash: str) -> Iterator[bytes]:
        """The blob's bytes; `data-lost` at the end when they are not what the hash says."""
        digest = hashlib.sha256()
        for chunk in self.transport.chunks(Call("GET", f"/v1/blobs/{hash}")):
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != hash:
            text = f"what came for the blob {hash} are other bytes; get the result again"
            raise ClusterError("data-lost", text)

    def cancel(self, job: str) -> Dict[str, Any]:
        """JobSummary; a job that has ended stays as it is."""
        return self._json("POST", f"{_path(job)}/cancel", {})

    def fetched(self, job: str) -> None:
        """The whole result is here. A hint, which may fail without harm."""
        try:
            self._json("POST", f"{_path(job)}/fetched", {})
        except ClusterError:
            pass

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        return self.transport.json(Call(method, path, json=body))

    def _is_seen(self, hash: str) -> bool:
        return time.monotonic() - self._seen.get(hash, -_SEEN_FOR_S) < _SEEN_FOR_S

    def _has(self, hash: str) -> bool:
        try:
            for _ in self.transport.chunks(Call("HEAD", f"/v1/blobs/{hash}")):
                pass
            return True
        except ClusterError as error:
            if error.code == "not-found":
                return False
            raise

    def _send(self, blob: Blob) -> None:
        headers = {
            "x-content-sha256": blob.hash,
            "content-length": str(blob.size_bytes),
            "content-type": "application/octet-stream",
        }
        if blob.path is None:
            self.transport.json(Call("POST", "/v1/blobs", body=blob.data, headers=headers))
            return
        with open(blob.path, "rb") as file:
            self.transport.json(Call("POST", "/v1/blobs", body=file, headers=headers))


def _is_small(blob: Blob) -> bool:
    return blob.data is not None and blob.size_bytes <= _SMALL_MAX_BYTES


def patiently(send: Callable[[], Any], patience_s: float) -> Any:
    """Calls until the coordinator is there: it may be starting."""
    give_up, wait = time.monotonic() + patience_s, _BACKOFF_S
    while True:
        try:
            return send()
        except ClusterError as error:
            if error.code != "unavailable" or time.monotonic() + wait > give_up:
                raise
        time.sleep(wait)
        wait = min(wait * 2, _BACKOFF_MAX_S)


# How coordinators refuse a field, or a value of one, that they do not know.
_UNKNOWN = re.compile(
    r"this is not a submission: (spec\S*: (?:Unrecognized key|Invalid (?:input$|option|discr)).*)",
    re.DOTALL,
)


def _of_older(error: ClusterError) -> Optional[ClusterError]:
    """What a client sends has the right form: what the coordinator does not know of it is newer
    than the coordinator. None: it is another error."""
    unknown = _UNKNOWN.match(error.text) if error.code == "bad-request" else None
    if unknown is None:
        return None
    text = f"the coordinator does not know a part of this job ({unknown[1]}), so it is older than"
    after = "this client; upgrade the coordinator, or submit with a client of its version"
    return ClusterError("version-mismatch", f"{text} {after}")


def _path(job: str) -> str:
    return f"/v1/jobs/{quote(job, safe='')}"
