"""One HTTP call to a coordinator: kept connections, limits on every wait, failures as
`ClusterError`."""

import hashlib
import http.client
import json
import re
import ssl
import threading
from typing import Any, Dict, Iterator, NamedTuple
from urllib.parse import urlsplit

from .failure import ClusterError
from .line_cutter import LineCutter
from .place import Target

CONNECT_S = 10
ANSWER_S = 30
_JSON_MAX_BYTES = 64 * 1024 * 1024
_KEPT_MAX = 16
_HEAD_CODES = {401: "unauthenticated", 403: "forbidden", 404: "not-found"}


class Call(NamedTuple):
    """`body`: bytes, or a file whose length `headers` say. `answer_s`: how long nothing may
    come."""

    method: str
    path: str
    json: Any = None
    body: Any = None
    headers: Dict[str, str] = {}
    answer_s: float = ANSWER_S


class Pinned(http.client.HTTPSConnection):
    """TLS to exactly one certificate, checked before anything is written."""

    def __init__(self, host: str, fingerprint: str) -> None:
        self._pin = fingerprint.replace(":", "").lower()
        if not re.fullmatch("[0-9a-f]{64}", self._pin):
            text = "the fingerprint is not a SHA-256 of 64 hex digits; copy it whole"
            raise ClusterError("bad-request", text)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Who signed the certificate, for which name and until when: the pin says more.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["http/1.1"])
        super().__init__(host, timeout=CONNECT_S, context=context)

    def connect(self) -> None:
        """As of the base, and the certificate is the pinned one. Errors: `unauthenticated`."""
        super().connect()
        shown = hashlib.sha256(self.sock.getpeercert(True) or b"").hexdigest()
        if shown != self._pin:
            self.close()
            text = f"{self.host} shows another certificate ({shown[:16]}…) than the pinned one"
            said = f"{text} ({self._pin[:16]}…): another server answers there, or the coordinator"
            raise ClusterError("unauthenticated", f"{said} has a new one; nothing was sent")


class Transport:
    """Connections to one coordinator; may be used by several threads."""

    def __init__(self, target: Target) -> None:
        self.url = target.url
        self._target = target
        self._parts = urlsplit(target.url)
        self._idle: list = []
        self._lock = threading.Lock()

    def json(self, call: Call) -> Any:
        """The answer's JSON."""
        with Answer(self, call) as answer:
            text = answer.read(_JSON_MAX_BYTES + 1)
        if len(text) > _JSON_MAX_BYTES:
            raise ClusterError("limit-exceeded", f"an answer is over {_JSON_MAX_BYTES} bytes")
        try:
            return json.loads(text)
        except ValueError as error:
            said = f"{self.url}{call.path} did not answer with JSON; is a coordinator there?"
            raise ClusterError("protocol-violated", said) from error

    def lines(self, call: Call) -> Iterator[bytes]:
        """The answer's lines, as they arrive, without their newlines. Cut off: `unavailable`."""
        cutter = LineCutter()
        with Answer(self, call) as answer:
            while True:
                chunk = answer.some()
                if not chunk:
                    break
                yield from filter(None, cutter.add(chunk))
                if cutter.rest_bytes > _JSON_MAX_BYTES:
                    text = f"a line of {call.path} is over {_JSON_MAX_BYTES} bytes"
                    raise ClusterError("limit-exceeded", text)
        if cutter.rest_bytes:
            raise ClusterError("unavailable", f"the answer to {call.path} was cut off")

    def chunks(self, call: Call) -> Iterator[bytes]:
        """The answer's bytes."""
        with Answer(self, call) as answer:
            while True:
                chunk = answer.read(256 * 1024)
                if not chunk:
                    return
                yield chunk

    def close(self) -> None:
        """Closes kept connections; new ones are opened when they are needed."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def moved(self) -> bool:
        """Whether the coordinator is at another place than the one that was called, which is called
        from now on."""
        again = self._target.again
        try:
            now = self._target if again is None else again()
        except ClusterError:
            # It is not running.
            return False
        with self._lock:
            if now[:3] == self._target[:3]:
                return False
            self._target, self.url, self._parts = now, now.url, urlsplit(now.url)
        self.close()
        return True

    def take(self, fresh: bool = False):
        """A connection, and whether it has been used before."""
        with self._lock:
            if self._idle and not fresh:
                return self._idle.pop(), True
        return self._new(), False

    def keep(self, connection) -> None:
        """A connection whose answer has been read to its end."""
        with self._lock:
            if len(self._idle) < _KEPT_MAX:
                self._idle.append(connection)
                return
        connection.close()

    def _new(self):
        host = self._parts.netloc
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, timeout=CONNECT_S)
        if self._target.fingerprint:
            return Pinned(host, self._target.fingerprint)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, timeout=CONNECT_S, context=context)

    def headers_of(self, call: Call) -> Dict[str, str]:
        """Of a call: with the token."""
        headers = {"authorization": f"Bearer {self._target.token}", **call.headers}
        if call.json is not None:
            headers["content-type"] = "application/json"
        return headers

    def unreachable(self, error: Exception) -> ClusterError:
        """What a failed connection is."""
        if isinstance(error, ClusterError):
            return error
        if isinstance(error, ConnectionRefusedError):
            text = f"no coordinator at {self.url}; start one with `tequio up`"
            return ClusterError("unavailable", text)
        if isinstance(error, ssl.SSLCertVerificationError):
            text = f"the certificate of {self.url} is not signed by an authority known here; give"
            return ClusterError("unauthenticated", f"{text} its fingerprint, as `tequio up` prints")
        what = str(error) or type(error).__name__
        text = f"the coordinator at {self.url} cannot be reached: {what}"
        return ClusterError("unavailable", text)


class Answer:
    """An answer whose head is there and that is no failure; closed when it is left."""

    def __init__(self, transport: Transport, call: Call) -> None:
        self._transport = transport
        self._connection: Any = None
        self._response: Any = None
        self._open(call)
        status = self._response.status
        if status >= 300:
            try:
                body = self.read(_JSON_MAX_BYTES)
            finally:
                self.close()
            raise _failure(f"{transport.url}{call.path}", call, (status, body))

    def _open(self, call: Call) -> None:
        body = call.body if call.json is None else json.dumps(call.json).encode()
        headers = self._transport.headers_of(call)
        is_stream = hasattr(body, "read")
        used = False
        try:
            self._connection, used = self._transport.take(fresh=is_stream)
            self._send(call, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            # The coordinator closes connections that are idle: the same goes over a new one. Every
            # call may be made twice.
            is_stale = isinstance(error, (ConnectionError, http.client.HTTPException))
            has_moved = self._transport.moved() and not is_stream
            if not has_moved and (not used or not is_stale):
                raise self._transport.unreachable(error) from error
            try:
                self._connection, _ = self._transport.take(fresh=True)
                self._send(call, body, headers)
            except (OSError, http.client.HTTPException) as again:
                self._drop()
                raise self._transport.unreachable(again) from again
        except BaseException:
            self._drop()
            raise

    def _send(self, call: Call, body: Any, headers: Dict[str, str]) -> None:
        connection = self._connection
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(call.answer_s)
        try:
            connection.request(call.method, call.path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            # A refusal may come before all is sent: then the answer counts.
            if not hasattr(body, "read"):
                raise
        self._response = connection.getresponse()

    def read(self, most: int) -> bytes:
        """At most so many bytes; b"" at the end."""
        return self._guarded(lambda: self._response.read(most))

    def some(self) -> bytes:
        """What has come, at most 256 KiB; b"" at the end."""
        return self._guarded(lambda: self._response.read1(256 * 1024))

    def _guarded(self, read) -> bytes:
        try:
            return read()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._drop()
            raise self._transport.unreachable(error) from error

    def close(self) -> None:
        """Keeps the connection when nothing is left to read."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._response.isclosed() and connection.sock is not None:
            self._transport.keep(connection)
        else:
            connection.close()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _failure(where: str, call: Call, answered) -> ClusterError:
    status, body = answered
    try:
        said = json.loads(body)
        return ClusterError(said["code"], str(said["message"]))
    except (ValueError, KeyError, TypeError):
        # Not from a coordinator.
        pass
    text = f"{where} answered {status}; is a coordinator there?"
    if call.method == "HEAD" and status in _HEAD_CODES:
        return ClusterError(_HEAD_CODES[status], text)
    return ClusterError("unavailable" if status >= 500 else "protocol-violated", text)
