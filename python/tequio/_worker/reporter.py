"""What a task process reports to its worker: results in batches, log lines within bounds, progress.

The bounds are those of src/worker/process/reporter.ts: the worker takes no more."""

import io
from time import perf_counter

_FLUSH_S = 0.002
_PENDING_MAX_CHARACTERS = 256 * 1024
_PENDING_MAX = 5000
_REPORT_CHARACTERS = 300
_COUNTER_CHARACTERS = 32
_PROGRESS_EVERY_S = 0.5
_LOG_EVERY_S = 0.1
_LOG_LINES_MAX = 1000
_LOG_LINE_MAX_BYTES = 4096
_LOG_BATCH_LINES = 50


class Reporter:
    """Keeps the order of what it is given."""

    def __init__(self, send):
        self._send = send
        self._reports = []
        self._results = ([], [], [], [])
        self._characters = 0
        self._flushed_s = 0.0
        self._attempt = (0, 0)
        self._lines = []
        self._lines_seen = 0
        self._logged_s = 0.0
        self._progress_s = 0.0

    def start_attempt(self, task, attempt, now_s):
        """Lines and progress are of this attempt from here on."""
        self._attempt = (task, attempt)
        self._lines_seen = 0
        self._progress_s = now_s

    def report(self, report, now_s):
        """One report, as of messages.ts."""
        self._end_log()
        self._send_results()
        self._reports.append(report)
        self._characters += _size_of(report)
        self._flush_if_due(now_s)

    def result(self, task, attempt, value, times):
        """The same for an item that is done and counted nothing. `times`: its start and its end."""
        if self._lines_seen:
            self._end_log()
        started_s, now_s = times
        tasks, attempts, durations, values = self._results
        tasks.append(task)
        attempts.append(attempt)
        durations.append(round((now_s - started_s) * 1000, 3))
        values.append(value)
        self._characters += len(value)
        self._flush_if_due(now_s)

    def flush(self, now_s):
        """Sends what waits."""
        self._flushed_s = now_s
        self._characters = 0
        self._send_reports()
        self._send_results()

    def log(self, line):
        """A line of the job's log; beyond 1,000 of an attempt they are only counted."""
        self._lines_seen += 1
        if self._lines_seen > _LOG_LINES_MAX:
            return
        self._lines.append(_shortened(line))
        now_s = perf_counter()
        if len(self._lines) < _LOG_BATCH_LINES and now_s - self._logged_s < _LOG_EVERY_S:
            return
        self._logged_s = now_s
        self._send_lines()

    def progress(self, input_bytes):
        """How far the attempt is; passed on twice a second."""
        now_s = perf_counter()
        if now_s - self._progress_s < _PROGRESS_EVERY_S:
            return
        self._progress_s = now_s
        task, attempt = self._attempt
        self._send(
            {"kind": "progress", "task": task, "attempt": attempt, "inputBytes": input_bytes}
        )

    def _flush_if_due(self, now_s):
        due = now_s - self._flushed_s > _FLUSH_S or self._characters > _PENDING_MAX_CHARACTERS
        if due or len(self._reports) + len(self._results[0]) >= _PENDING_MAX:
            self.flush(now_s)

    def _send_reports(self):
        if self._reports:
            reports, self._reports = self._reports, []
            self._send({"kind": "reports", "reports": reports})

    def _send_results(self):
        if not self._results[0]:
            return
        self._send_reports()
        tasks, attempts, durations, values = self._results
        self._results = ([], [], [], [])
        message = {"kind": "results", "tasks": tasks, "attempts": attempts}
        self._send({**message, "durationsMs": durations, "values": values})

    def _end_log(self):
        dropped = self._lines_seen - _LOG_LINES_MAX
        if dropped > 0:
            self._lines.append(f"({dropped} more lines were dropped)")
        self._lines_seen = 0
        self._send_lines()

    def _send_lines(self):
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        task, attempt = self._attempt
        self._send({"kind": "log", "task": task, "attempt": attempt, "lines": lines})


def _size_of(report):
    if report["kind"] == "failed":
        failure = report["failure"]
        return _REPORT_CHARACTERS + len(failure["message"]) + len(failure.get("stack", ""))
    counters = sum(len(name) + _COUNTER_CHARACTERS for name in report["counters"])
    return _REPORT_CHARACTERS + counters + len(report.get("value", ""))


def _shortened(line):
    if len(line) * 3 <= _LOG_LINE_MAX_BYTES:
        return line
    data = line[:_LOG_LINE_MAX_BYTES].encode("utf-8", "replace")
    if len(data) <= _LOG_LINE_MAX_BYTES and len(line) <= _LOG_LINE_MAX_BYTES:
        return line
    return data[: _LOG_LINE_MAX_BYTES - 3].decode("utf-8", "ignore") + "…"


class _Bytes(io.RawIOBase):
    """The stream under a text stream."""

    def __init__(self, stream):
        super().__init__()
        self._stream = stream

    def writable(self):
        """It is for writing."""
        return True

    def write(self, data):
        """As text; bytes that are none are replaced."""
        self._stream.write(bytes(data).decode("utf-8", "replace"))
        return len(data)


class LogStream(io.TextIOBase):
    """`sys.stdout` and `sys.stderr` of job code: whole lines go to the job's log."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, log):
        super().__init__()
        self._log = log
        self._open = ""

    def writable(self):
        """It is for writing."""
        return True

    def write(self, text):
        """Logs each line that is whole by now."""
        *lines, self._open = (self._open + text).split("\n")
        for line in lines:
            self._log(line)
        if len(self._open) > 64 * 1024:
            self.end_line()
        return len(text)

    @property
    def buffer(self):
        """For job code that writes bytes."""
        return _Bytes(self)

    def flush(self):
        """A line without its end waits for it."""

    def end_line(self):
        """The attempt is over: what it has written of a line is a line."""
        if self._open:
            line, self._open = self._open, ""
            self._log(line)
