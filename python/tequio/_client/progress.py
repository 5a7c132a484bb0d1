"""Shows how far a job is: a line in a terminal, a bar in a notebook, nothing elsewhere."""

import html
import sys
import time
from typing import Any, Dict, Optional

_FIRST_S = 0.5
_EVERY_S = 0.1


def counts(summary: Dict[str, Any]) -> Any:
    """Tasks that are done, and all of them; of the stages together."""
    stages = summary["stages"]
    return sum(one["done"] for one in stages), sum(one["taskCount"] for one in stages)


def line_of(summary: Dict[str, Any]) -> str:
    """`j-1 word count: 3 of 12 tasks, 2 running, 1.5 s`."""
    done, total = counts(summary)
    running = sum(one["running"] for one in summary["stages"])
    seconds = ((summary["endedAtMs"] or summary["atMs"]) - summary["submittedAtMs"]) / 1000
    parts = [f"{done} of {total} tasks"]
    if summary["state"] == "running":
        parts.append(f"{running} running")
    else:
        parts.append(summary["state"])
    waiting = summary.get("waitingFor")
    if waiting:
        parts.append(waiting)
    return f"{summary['job']} {summary['name']}: {', '.join(parts)}, {seconds:.1f} s"


def html_of(summary: Dict[str, Any]) -> str:
    """The same with a bar, for a notebook."""
    done, total = counts(summary)
    bar = f'<progress max="{max(total, 1)}" value="{done}"></progress>'
    return f"<div>{bar} {html.escape(line_of(summary))}</div>"


class Progress:
    """Where progress is shown; `show` is called with each summary, `end` once.

    wanted: True, False, or None = where people see it: in a terminal or a notebook."""

    def __init__(self, wanted: Optional[bool]) -> None:
        self._from = time.monotonic() + (0 if wanted else _FIRST_S)
        self._shown_at = 0.0
        self._width = 0
        self._display: Any = None
        self._notebook = wanted is not False and _notebook()
        is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._terminal = not self._notebook and (is_terminal if wanted is None else wanted)

    @property
    def is_shown(self) -> bool:
        """False when it is shown nowhere."""
        return bool(self._notebook or self._terminal)

    def show(self, summary: Dict[str, Any]) -> None:
        """At most ten times a second; nothing of what takes no time, unless that was asked for."""
        now = time.monotonic()
        is_last = summary["state"] != "running"
        is_early = now < self._from or now - self._shown_at < _EVERY_S
        if is_early and not (is_last and now >= self._from):
            return
        self._shown_at = now
        if self._notebook:
            self._show_html(html_of(summary))
        elif self._terminal:
            line = line_of(summary)
            sys.stderr.write("\r" + line.ljust(self._width))
            sys.stderr.flush()
            self._width = len(line)

    def end(self) -> None:
        """The next output is on a line of its own."""
        if self._width:
            sys.stderr.write("\n")
            sys.stderr.flush()
            self._width = 0

    def _show_html(self, text: str) -> None:
        from IPython.display import HTML, display  # type: ignore[import-not-found]

        if self._display is None:
            self._display = display(HTML(text), display_id=True)
        else:
            self._display.update(HTML(text))


def _notebook() -> bool:
    """Whether this is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")
