"""What time it is to job code: that of the job's submission, in every attempt and in the judge.

`time.time`, `datetime.now` and their like give that time, `perf_counter` gives 0. What waits goes
on: `sleep`, timers, `time.monotonic`. Libraries that read the clock in C see the real one."""

import datetime
import gc
import sys
import time

_real = {name: getattr(time, name) for name in dir(time) if callable(getattr(time, name))}
_frozen_ns = [None]
_on_read = [None]


def surround(around):
    """`around`: the environment of a job; without `frozenAtMs` its clock is the real one."""
    at_ms = around.get("frozenAtMs")
    _frozen_ns[0] = None if at_ms is None else int(at_ms) * 1_000_000


def install(on_read=None):
    """Once in the life of the process, before the job's code is loaded. `on_read` is called once,
    when code looks at a clock that stands still."""
    _on_read[0] = on_read
    for name, value in _changed().items():
        if name in _real:
            setattr(time, name, value)
    _freeze_datetime()


def _now_ns():
    """None: the real clock."""
    if _frozen_ns[0] is not None and _on_read[0] is not None:
        told, _on_read[0] = _on_read[0], None
        told()
    return _frozen_ns[0]


def _changed():
    """The functions of `time` that say what time it is."""

    def now():
        at_ns = _now_ns()
        return _real["time"]() if at_ns is None else at_ns / 1e9

    def now_ns():
        at_ns = _now_ns()
        return _real["time_ns"]() if at_ns is None else at_ns

    def since(name, start):
        return lambda: _real[name]() if _now_ns() is None else start

    def of_seconds(name):
        def changed(seconds=None):
            return _real[name](now() if seconds is None else seconds)

        return changed

    def asctime(*given):
        return _real["asctime"](*(given or (_real["localtime"](now()),)))

    def strftime(form, *given):
        return _real["strftime"](form, *(given or (_real["localtime"](now()),)))

    def clock_gettime(clock):
        return now() if clock == time.CLOCK_REALTIME else _real["clock_gettime"](clock)

    def clock_gettime_ns(clock):
        return now_ns() if clock == time.CLOCK_REALTIME else _real["clock_gettime_ns"](clock)

    changed = {
        "time": now,
        "time_ns": now_ns,
        "perf_counter": since("perf_counter", 0.0),
        "perf_counter_ns": since("perf_counter_ns", 0),
        "asctime": asctime,
        "strftime": strftime,
        "clock_gettime": clock_gettime,
        "clock_gettime_ns": clock_gettime_ns,
    }
    for name in ("gmtime", "localtime", "ctime"):
        changed[name] = of_seconds(name)
    for name, function in changed.items():
        function.__name__ = function.__qualname__ = name
    return changed


def _freeze_datetime():
    """`today` asks `time.time`; these two ask the system. The class stays what it is, since values
    of it are everywhere: only its methods change, in the dictionary that the type shows of itself.
    Where that cannot be, as in an interpreter whose `datetime` is Python, it asks `time` anyway."""
    real_now, real_utcnow = _unbound("now"), _unbound("utcnow")

    def now(cls, tz=None):
        at_ns = _now_ns()
        return real_now(cls, tz) if at_ns is None else cls.fromtimestamp(at_ns / 1e9, tz)

    def utcnow(cls):
        at_ns = _now_ns()
        if at_ns is None:
            return real_utcnow(cls)
        return cls.fromtimestamp(at_ns / 1e9, datetime.timezone.utc).replace(tzinfo=None)

    for function in (now, utcnow):
        function.__qualname__ = f"datetime.{function.__name__}"
    shown = gc.get_referents(datetime.datetime.__dict__)
    for members in [one for one in shown if isinstance(one, dict)][:1]:
        members["now"] = classmethod(now)
        members["utcnow"] = classmethod(utcnow)
        _forget_lookups()


def _unbound(name):
    """Calls the method of the type for it or for a class below it."""
    descriptor = datetime.datetime.__dict__[name]
    return lambda cls, *given: descriptor.__get__(None, cls)(*given)


def _forget_lookups():
    """The interpreter remembers what it has found in a type."""
    newer = getattr(sys, "_clear_internal_caches", None)
    forget = newer or getattr(sys, "_clear_type_cache", None)
    if forget is not None:
        forget()
