"""What test/python/client.test.ts asks of executors and of what is cancelled: as client.py."""

import asyncio
import os
import signal
import sys
import threading
import time
from concurrent.futures import as_completed

from client_checks import fails, source_only, states, until
from tequio import CallFailed, Cluster, tasks

lock = threading.Lock()


def square(n):
    return n * n


def locks(n):
    with lock:
        return n


def raises_at_three(n):
    if n == 3:
        raise ValueError("no three")
    return n


def slow(seconds):
    time.sleep(seconds)
    return seconds


def interrupted_cancels():
    """Ctrl-C, once the jobs run."""
    cluster = source_only()

    def interrupt_when(name):
        until(lambda: "running" in states(Cluster.connect(), name))
        os.kill(os.getpid(), signal.SIGINT)

    def interrupted(name, call):
        threading.Thread(target=interrupt_when, args=(name,), daemon=True).start()
        try:
            call()
        except KeyboardInterrupt:
            until(lambda: "running" not in states(cluster, name))
            assert states(cluster, name)[0] == "cancelled", states(cluster, name)
            return
        raise AssertionError(f"{name} was not interrupted")

    interrupted("in map", lambda: list(cluster.map(slow, [600, 600], name="in map")))
    job = tasks(items=[600], run=slow, name="in run")
    interrupted("in run", lambda: cluster.run(job))
    with_executor = cluster.executor()

    def use():
        with with_executor as executor:
            executor.submit(slow, 600).result()

    interrupted("slow", use)


def interrupted_submission():
    """Ctrl-C when the coordinator has the job, and this program not yet its answer."""
    cluster = source_only()
    transport = cluster._api.transport
    ask = transport.json

    def interrupted(call):
        answer = ask(call)
        if call.path != "/v1/jobs" or call.method != "POST":
            return answer
        transport.json = ask
        raise KeyboardInterrupt

    transport.json = interrupted
    try:
        cluster.submit(tasks(items=[600], run=slow, name="no answer"))
    except KeyboardInterrupt:
        assert states(cluster, "no answer") == ["cancelled"], states(cluster, "no answer")
        return
    raise AssertionError("it was not interrupted")


def executors_batch_and_keep_order():
    cluster = source_only()
    with cluster.executor() as executor:
        futures = [executor.submit(pow, n, exp=2) for n in range(3000)]
        assert [future.result() for future in futures] == [n * n for n in range(3000)]
        assert list(executor.map(square, range(50))) == [n * n for n in range(50)]
        assert len(states(cluster, "pow")) < 30, len(states(cluster, "pow"))
        assert len(list(as_completed(executor.submit(square, n) for n in range(20)))) == 20
        failed = executor.submit(raises_at_three, 3)
        good = executor.submit(raises_at_three, 4)
        assert good.result() == 4
        error = failed.exception()
        assert isinstance(error, CallFailed) and "raises_at_three" in error.remote_traceback
        fails("bad-request", lambda: executor.submit(square, {1}), "a set")
        fails("build-failed", lambda: executor.submit(locks, 1), '"lock"')
        left = executor.submit(square, 9)
    assert left.done() and left.result() == 81
    try:
        executor.submit(square, 1)
        raise AssertionError("taken after shutdown")
    except RuntimeError:
        pass


def crashes(n):
    if n == 5:
        os._exit(3)
    return n


def a_call_that_crashes_fails_alone():
    with source_only().executor() as executor:
        futures = [executor.submit(crashes, n) for n in range(8)]
        got = ["failed" if future.exception() else future.result() for future in futures]
    assert got == [0, 1, 2, 3, 4, "failed", 6, 7], got


def futures_are_cancelled():
    cluster = source_only()
    with cluster.executor() as executor:
        futures = [executor.submit(slow, 600) for _ in range(3)]
        until(lambda: "running" in states(cluster, "slow"))
        assert all(future.cancel() for future in futures)
        assert all(future.cancelled() for future in futures)
    until(lambda: "running" not in states(cluster, "slow"))
    assert "cancelled" in states(cluster, "slow")
    executor = cluster.executor()
    future = executor.submit(slow, 600)
    executor.shutdown(wait=True, cancel_futures=True)
    assert future.cancelled()


def asyncio_uses_it():
    async def all_of(executor):
        loop = asyncio.get_running_loop()
        waiting = [loop.run_in_executor(executor, square, n) for n in range(5)]
        return await asyncio.gather(*waiting)

    with source_only().executor() as executor:
        assert asyncio.run(all_of(executor)) == [0, 1, 4, 9, 16]


if __name__ == "__main__":
    globals()[sys.argv[1]]()
