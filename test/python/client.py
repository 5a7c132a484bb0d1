"""What test/python/client.test.ts asks of the client: `client.py NAME` runs the function of that
name against the cluster that the environment names, and fails as it does."""

import csv
import datetime
import io
import json
import math
import os
import re
import sys
import threading
import time
import xml.etree.ElementTree
from collections import namedtuple
from functools import lru_cache, partial
from typing import List

import client_beside
from client_checks import fails, source_only
from tequio import CallFailed, Cluster, count, map_reduce, ndjson, tasks, text
from tequio._client.api import Api
from tequio._client.line_cutter import LineCutter
from tequio._client.place import Target
from tequio._client.transport import Transport

LIMITS = {"low": (1, 2.5), "day": datetime.date(2026, 1, 2), "inf": math.inf}
WORD = re.compile(r"\w+", re.IGNORECASE)
Point = namedtuple("Point", "x y", defaults=(7,))
lock = threading.Lock()
calls = 0


class Square:
    scale = 2
    twice = scale * 2

    def __init__(self, side: "int"):
        self.side = side

    def area(self):
        return square(self.side) * self.twice


def square(n):
    return n * n


def even(n):
    return n == 0 or odd(n - 1)


def odd(n):
    return n != 0 and even(n - 1)


@lru_cache(maxsize=None)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def everything(n: List[int], scale=LIMITS["low"][0]):
    element = xml.etree.ElementTree.fromstring("<a/>")
    return [
        Square(n).area() * scale,
        WORD.findall("a b"),
        Point(n),
        even(n),
        [LIMITS["low"], LIMITS["day"].isoformat(), LIMITS["inf"] > 1e300],
        element.tag,
        fibonacci(30),
        client_beside.double(n),
    ]


def functions_bring_what_they_use():
    cluster = source_only()
    expected = [18 * 2, ["a", "b"], [3, 7], False, [[1, 2.5], "2026-01-02", True], "a", 832040, 6]
    assert list(cluster.map(everything, [3])) == [expected]
    assert list(cluster.map(lambda n: square(n) + 1, range(4))) == [1, 2, 5, 10]
    assert list(cluster.map(client_beside.double, [2])) == [4]
    assert list(cluster.map(partial(pow, 2), [3])) == [8]
    assert list(cluster.map(math.floor, [3.5])) == [3]

    def inner(n):
        return n if n < 2 else inner(n - 1) + math.ceil(0.5)

    assert list(cluster.map(inner, [3])) == [3]


def assigns(n):
    global calls
    calls += 1
    return calls


def locks(n):
    with lock:
        return n


def what_cannot_travel_is_named():
    cluster = source_only()
    limit = 3
    here = "client.py:"
    remedy = "pass it as an argument"
    fails("build-failed", lambda: cluster.map(lambda n: n < limit, [1]), here, '"limit"', remedy)
    fails("build-failed", lambda: cluster.map(assigns, [1]), here, '"calls"')
    fails("build-failed", lambda: cluster.map(locks, [1]), here, '"lock"', "_thread.lock", remedy)
    fails("build-failed", lambda: cluster.map([].append, [1]), "more than a function")
    job = map_reduce(map=lambda line, emit: emit(limit, 1))
    fails("build-failed", lambda: cluster.run(job, __file__), '"limit"', "`params`")
    made = {}
    exec("def made_here(n): return n", made)
    fails("build-failed", lambda: cluster.map(made["made_here"], [1]), "source", "made_here")


def cloudpickle_takes_the_rest():
    limit = [4]
    cluster = Cluster.connect()
    assert list(cluster.map(lambda n: n + limit[0], [1, 2])) == [5, 6]
    assert [done.result() for done in [cluster.executor().submit(Square(3).area)]] == [36]
    lock = threading.Lock()
    fails("build-failed", lambda: cluster.map(lambda n: lock.locked(), [1]), '"lock"', "pickle")
    # Of a worker with another Python.
    workers = [{**one, "python": "3.7.1", "name": "old"} for one in cluster.workers()]
    cluster._api.workers = lambda: workers
    cluster._shipping = cluster._shipping._replace(workers=lambda: workers)
    fails("build-failed", lambda: cluster.map(lambda n: n + limit[0], [1]), "old has Python 3.7.1")


def results_are_never_unpickled():
    """A worker answers JSON; what it says is no code, whatever it says."""
    before = set(sys.modules)
    cluster = source_only()
    assert list(cluster.map(lambda n: {"py/object": "os.system", "b": b"\x80\x04."}, [1])) == [
        {"py/object": "os.system", "b": "gAQu"}
    ]
    source = os.path.join(os.path.dirname(__file__), "..", "..", "python", "tequio", "_client")
    for folder, _, names in os.walk(source):
        for name in names:
            if name.endswith(".py"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    assert not re.search(r"\bloads\(", file.read().replace("json.loads(", "")), name
    assert "cloudpickle" not in set(sys.modules) - before


def nothing(n):
    return None


def many_items_are_quick():
    cluster = source_only()
    started = time.monotonic()
    assert sum(1 for _ in cluster.map(nothing, range(10_000))) == 10_000
    assert sum(1 for _ in cluster.map(nothing, range(10_000), chunk=100)) == 10_000
    # A job for each would take minutes.
    assert time.monotonic() - started < 40
    odd_size = cluster.map(lambda n: n, range(1234), chunk=100, window=500)
    assert list(odd_size) == list(range(1234))


def map_takes_any_iterable_and_stops():
    cluster = source_only()
    taken = []

    def numbers():
        n = 0
        while True:
            taken.append(n)
            yield n
            n += 1

    results = cluster.map(square, numbers(), window=20)
    assert [next(results) for _ in range(30)] == [n * n for n in range(30)]
    results.close()
    assert len(taken) <= 80, len(taken)
    assert list(cluster.map(square, [])) == []
    given = []
    broken = cluster.map(square, [3, 4, {5}])
    fails("bad-request", lambda: [given.append(one) for one in broken], "a set in item 2")
    assert given == [9, 16]
    fails("bad-request", lambda: list(cluster.map(square, [1, {2}])), "a set in item 1")


def raises_at_three(n):
    if n == 3:
        raise ValueError("no three")
    return n


def what_a_function_raises_is_raised():
    cluster = source_only()
    for chunk in (1, 2, 6):
        got = []
        results = cluster.map(raises_at_three, range(6), chunk=chunk)
        error = fails("user-error", lambda: [got.append(n) for n in results])
        assert got == [0, 1, 2], got
        assert isinstance(error, CallFailed) and error.exception == "ValueError"
        assert error.index == 3 and "no three" in error.text
        assert 'raise ValueError("no three")' in error.remote_traceback
        assert re.search(r'File "client.py", line \d+, in raises_at_three', error.remote_traceback)
    fails("user-error", lambda: list(cluster.map(set, [[1]])), "a set", "item 0")


def sets_at_three(n):
    return {n} if n == 3 else n


def megabyte_at_three(n):
    return "x" * (1 << 20 if n == 3 else 1)


def half_a_megabyte(n):
    return "x" * (1 << 19)


def raises_much(n):
    raise ValueError("\n" * 4000)


def a_bad_item_loses_no_good_ones():
    cluster = source_only()
    refused = "a set in the result of sets_at_three cannot be stored"
    cases = [
        (sets_at_three, 5, 3, "user-error", refused),
        (megabyte_at_three, 5, 3, "limit-exceeded", "the result of megabyte_at_three has 1048580"),
        (half_a_megabyte, 5, 1, "limit-exceeded", "use a smaller chunk"),
        (raises_much, 1000, 0, "user-error", "raises_much raised ValueError"),
    ]
    for function, count, at, code, text in cases:
        for chunk in (2, count):
            got = []
            results = cluster.map(function, range(count), chunk=chunk)
            error = fails(code, lambda: [got.append(n) for n in results], text)
            assert isinstance(error, CallFailed), error
            assert (error.index, len(got)) == (at, at), (function, chunk, error.index, got)
    assert [len(one) for one in cluster.map(half_a_megabyte, range(3))] == [1 << 19] * 3
    fails("limit-exceeded", lambda: list(cluster.map(megabyte_at_three, [3])), "item 0")


def slow(seconds):
    time.sleep(seconds)
    return seconds


def words(line, emit, context):
    count("lines")
    for word in WORD.findall(line):
        emit(context.params["before"] + word, {"n": 1, "of": len(word)})


def odd_square(one):
    if one["n"] % 2 == 0:
        raise ValueError(f"{one['n']} is even")
    return None if one["n"] == 1 else one["n"] ** 2


def jobs_give_rows():
    cluster = source_only()
    job = map_reduce(
        input=text.lines(),
        map=words,
        reduce=lambda word, values: {"n": sum(one["n"] for one in values), "of": len(word)},
        params={"before": "_"},
        name="words",
        reducers=2,
    )
    path = os.environ["INPUT"]
    result = cluster.run(job, path, params={"before": "-"}, split_bytes=20)
    rows = sorted(result)
    assert rows == [("-a", {"n": 3, "of": 2}), ("-bb", {"n": 2, "of": 3}), ("-c", {"n": 1, "of": 2})]
    assert result.counters == {"lines": 3}
    assert sorted(one["key"] for one in result.records()) == ["-a", "-bb", "-c"]
    assert "<td>-a</td>" in result._repr_html_()
    out = os.path.join(os.path.dirname(path), "out")
    names = [os.path.basename(one) for one in result.save(out)]
    assert names == ["part-00000.ndjson", "part-00001.ndjson"]
    fails("conflict", lambda: result.save(out), "replace=True")
    assert result.save(out, replace=True) and sorted(os.listdir(out)) == names
    lists = tasks(items=lambda params: range(params["n"]), run=square, params={"n": 2})
    listed = cluster.run(lists, params={"n": 3})
    assert list(listed) == [0, 1, 4] and list(listed.rows()) == [(0, 0), (1, 1), (2, 4)]
    strange = ['q"x', "a\n\nb", "c,d"]
    table = cluster.run(tasks(items=strange, run=lambda one: one, output="csv"))
    [saved] = table.save(out + "-csv")
    with open(saved, newline="", encoding="utf-8") as file:
        assert [row[1] for row in csv.reader(file)] == ["value", *strange]
    odd = tasks(items=[{"n": n} for n in range(4)], run=odd_square, attempts=1, output="csv")
    fails("user-error", lambda: cluster.run(odd), "is even")
    kept = cluster.run(odd, keep_going=True)
    assert kept.tasks_failed == 2 and list(kept) == [None, 9], list(kept)
    assert list(kept.rows()) == [(1, None), (3, 9)]
    [zero, two] = kept.failed_tasks()
    assert (two["task"], two["item"], two["code"]) == (2, {"n": 2}, "user-error"), two
    assert "2 is even" in two["message"] and zero["task"] == 0
    [saved, bad] = kept.save(out + "-kept")
    with open(saved, encoding="utf-8") as file:
        assert file.read() == "n,value\n1,\n3,9\n"
    with open(bad, encoding="utf-8") as file:
        assert [json.loads(line) for line in file] == [zero, two]
    fails("bad-request", lambda: cluster.run(job, path, keep_going=True), "lists of tasks")
    fails("bad-request", lambda: cluster.submit(job, path, key=""), "0 characters")
    deep = [{"id": 1, "at": {"x": 2.0, "y": None}}, {"id": 2 ** 63, "list": [1e-7, 1e16]}]
    same = tasks(items=deep, run=lambda one: {"id": one["id"], "ok": True}, output="csv")
    [saved] = cluster.run(same).save(out + "-deep")
    with open(saved, encoding="utf-8") as file:
        assert file.read() == (
            "id,at.x,at.y,value.id,ok,list\n1,2,,1,true,\n"
            '9223372036854775808,,,9223372036854775808,true,"[1e-7,10000000000000000]"\n'
        )
    for output in ("csv", "text"):
        kept = map_reduce(map=lambda v, emit: emit(v, v + "\t\r"), input=ndjson(), output=output)
        inputs = os.path.join(os.path.dirname(path), f"{output}.ndjson")
        with open(inputs, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in strange)
        assert sorted(cluster.run(kept, inputs)) == [(v, v + "\t\r") for v in sorted(strange)]
    written = io.StringIO()
    csv.writer(written).writerows(listed.rows())
    assert written.getvalue() == "0,0\r\n1,1\r\n2,4\r\n"


def rows_of_text_are_lines_and_tables():
    cluster = source_only()
    path = os.environ["INPUT"] + ".lines"
    with open(path, "w", encoding="utf-8") as file:
        file.write("b,2\tx\na,1\\\n")
    lines = ["a,1\\", "b,2\tx"]
    running = cluster.submit(text.lines().sort(), path)
    assert list(running.result()) == lines
    # Its id alone says what it leaves, too.
    assert list(cluster.job(running.job).result().records()) == [{"line": one} for one in lines]
    table = text.csv(["k", "v"], header=False).table().with_options(output="text").sort("k")
    assert list(cluster.run(table, path)) == [{"k": "a", "v": "1\\"}, {"k": "b", "v": "2\tx"}]


def a_coordinator_at_another_port_is_found():
    cluster = source_only()
    here = cluster._api.transport._target
    closed = Target("http://127.0.0.1:9", here.token, "", lambda: here)
    api = Api(Transport(closed))
    assert api.me() and api.transport.url == here.url
    api.transport.close()
    gone = Transport(closed._replace(again=lambda: closed))
    fails("unavailable", lambda: Api(gone).me(), "no coordinator at http://127.0.0.1:9")


def an_older_coordinator_is_named():
    cluster = source_only()
    send = cluster._api._json

    def newer(method, path, body=None):
        spec = {**body["spec"], "shape": {"of": "newer"}} if path == "/v1/jobs" else None
        return send(method, path, body if spec is None else {**body, "spec": spec})

    cluster._api._json = newer
    why = "does not know a part of this job (spec.shape.of: Invalid"
    fails("version-mismatch", lambda: list(cluster.map(square, [1])), why)
    fails("version-mismatch", lambda: list(cluster.map(square, [1])), "upgrade the coordinator")


def long_lines_cost_their_length():
    cutter = LineCutter()
    before = time.process_time()
    assert not any(cutter.add(b"x" * 1024) for _ in range(30_000))
    assert [len(line) for line in cutter.add(b"y\n\nz")] == [30_000 * 1024 + 1, 0]
    # About 0.1 s; to look at the whole line with each piece takes a minute.
    assert time.process_time() - before < 5
    assert cutter.rest_bytes == 1 and cutter.end() == b"z"


def job_files_run():
    cluster = source_only()
    path = os.environ["INPUT"]
    job = os.path.join(os.path.dirname(path), "job.py")
    with open(job, "w", encoding="utf-8") as file:
        file.write("from tequio import map_reduce\njob = map_reduce(\n")
        file.write("    map=lambda line, emit: emit.each(line.split()), combine=lambda a, b: a + b)\n")
    assert sorted(cluster.run(job, [path])) == [("a", 3), ("bb", 2), ("c", 1)]
    fails("bad-request", lambda: cluster.run(job), "no file was given")
    fails("bad-request", lambda: cluster.run(job, path + "x"), "no such file")
    fails("bad-request", lambda: cluster.run(job, path, params={"x": 1}), 'parameter "x"')
    fails("bad-request", lambda: cluster.run("none.py"), "none.py")
    same = [cluster.submit(job, path, key=f"k-{os.getpid()}").job for _ in range(2)]
    assert same[0] == same[1]
    fails("conflict", lambda: cluster.submit(job, path, key=f"k-{os.getpid()}", reducers=3))
    with open(job, "a", encoding="utf-8") as file:
        file.write("nonsense = 1 / 0\n")
    fails("build-failed", lambda: cluster.run(job, path), "job.py:4", "ZeroDivisionError")
    bad = map_reduce(map=lambda line, emit: emit(1 / 0, 1))
    error = fails("user-error", lambda: cluster.run(bad, path), "ZeroDivisionError")
    assert "in <lambda>" in error.remote_traceback


def progress_is_shown():
    cluster = source_only()
    job = tasks(items=[0.2] * 6, run=slow, name="shown")
    running = cluster.submit(job)
    assert "of 6 tasks" in running._repr_html_() and "<progress" in running._repr_html_()
    error, sys.stderr = sys.stderr, io.StringIO()
    try:
        running.wait(progress=True)
        said = sys.stderr.getvalue()
    finally:
        sys.stderr = error
    assert re.search(r"\rj-\d+ shown: 6 of 6 tasks, done, [\d.]+ s *\n$", said), repr(said)
    assert cluster.job(running.job).summary()["state"] == "done"
    fails("not-found", lambda: cluster.job("j-999999"))


def a_submitter_uploads():
    """Without the right to name paths of the coordinator."""
    cluster = source_only()
    job = map_reduce(map=lambda line, emit: emit.each(line.split()), combine=lambda a, b: a + b)
    assert sorted(cluster.run(job, os.environ["INPUT"])) == [("a", 3), ("bb", 2), ("c", 1)]
    spec = cluster.submit(job, os.environ["INPUT"])
    assert spec.result() and list(cluster.map(square, [2])) == [4]


def another_certificate_is_refused():
    cluster = source_only()
    assert list(cluster.map(square, [2])) == [4]
    fails("unauthenticated", lambda: Cluster.connect(fingerprint="0" * 64), "another certificate")
    del os.environ["TEQUIO_FINGERPRINT"]
    fails("unauthenticated", Cluster.connect, "fingerprint")


def coordinators_are_found():
    data = os.environ["DATA"]
    for name in ("TEQUIO_URL", "TEQUIO_TOKEN"):
        os.environ.pop(name)
    fails("unavailable", Cluster.connect, "tequio up")
    os.environ["TEQUIO_DATA"] = data
    assert Cluster.connect().workers()
    assert Cluster.connect(data=data).workers()
    url = json.load(open(os.path.join(data, "endpoint.json"), encoding="utf-8"))["url"]
    fails("unauthenticated", lambda: Cluster.connect(url), "token_file")
    fails("unauthenticated", lambda: Cluster.connect(url, token="mrt_wrong"))
    token_file = os.path.join(data, "admin.token")
    assert Cluster.connect(url, token_file=token_file).workers()
    os.chmod(token_file, 0o644)
    fails("bad-request", lambda: Cluster.connect(data=data), "chmod 600")
    os.chmod(token_file, 0o600)
    fails("bad-request", lambda: Cluster.connect(url, data=data), "cannot be combined")
    fails("unavailable", lambda: Cluster.connect("127.0.0.1:1", token="x"), "no coordinator")


def a_restart_is_waited_for():
    cluster = source_only()
    results = cluster.map(slow, [0.02] * 60, name="over a restart")
    print("submitted", flush=True)
    sys.stdin.readline()
    assert list(results) == [0.02] * 60
    assert list(cluster.map(square, [3])) == [9]


def plans():
    """Prints what it makes of each line of its input: a format and settings, then the paths."""
    from tequio._client.inputs import find_inputs
    from tequio._client.plan import Declared, Settings, plan_files

    for line in sys.stdin:
        given = json.loads(line)
        formats = given["formats"]
        declared = Declared("map-reduce", formats, {}, {}, [], given["hasCombine"], b"")
        settings = Settings("x", {}, given["reducers"], given["splitBytes"])
        planned = plan_files(declared, find_inputs(given["inputs"], formats), settings)
        print(json.dumps([planned.plan, planned.spec]))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
