/** What Python job code can do wrong, and what its author reads; fault ids are those of the fault
 *  list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobSummary } from "../../src/core/summary.ts";
import { hostId } from "../../src/link/host.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { clusterForTests, noPython } from "./cluster.ts";

const skip = noPython;
const cluster = clusterForTests({ memoryBytes: 128 * 1024 * 1024 });

/** A job whose only task runs these lines, once. */
function running(body: string, options = ""): string {
  const lines = body.split("\n").map((line) => `    ${line}`);
  return cluster.file(
    "job.py",
    `from tequio import *
import os, sys, threading, time
def run(item):
${lines.join("\n")}
job = tasks(items=[0], run=run, attempts=1, ${options})
`,
  );
}

async function failed(job: string): Promise<NonNullable<JobSummary["failure"]>> {
  const { failure, state } = await cluster.run(job);
  assert.equal(state, "failed");
  return failure!;
}

type Fault = readonly [body: string, code: string, message: RegExp, options?: string];

const faults: Readonly<Record<string, Fault>> = {
  "W8: an endless loop ends at its time limit": [
    "while True:\n    pass",
    "timed-out",
    /300 ms/,
    "timeout_ms=300",
  ],
  "W8: memory without end is out-of-memory": [
    "all = []\nwhile True:\n    all.append(bytearray(1 << 20))",
    "out-of-memory",
    /more than the 64 MiB that it may have; raise --memory.*item 0 \(job\.py:6\)/,
  ],
  "W8: os._exit is named": ["os._exit(0)", "user-error", /the job called os\._exit\(0\)/],
  "W8: a process that the kernel ends was killed": [
    "import ctypes\nctypes.string_at(0)",
    "task-crashed",
    /was killed by SIGSEGV/,
  ],
  "X5: it signals no process": ["os.kill(os.getpid(), 9)", "user-error", /may not signal/],
  "X5: it starts no process": ['os.system("true")', "user-error", /may not start processes/],
  "X5: it has no network": [
    'import socket\nsocket.create_connection(("127.0.0.1", 9))',
    "user-error",
    /may not use the network/,
  ],
  "X5: it writes beside its scratch alone": [
    'open("mine", "w").write("x")\nos.rename("mine", "yours")\nopen("../other", "w")',
    "user-error",
    /PermissionError: job code may not write \.\.\/other on item 0 \(job\.py:6\)/,
  ],
  "X5: it reads no file of its user": [
    'open(os.path.expanduser("~/.profile"))',
    "user-error",
    /(PermissionError: job code may not read|No such file)/,
  ],
  "W8: garbage on descriptor 3 ends the process": [
    'os.write(3, b"x" * 100)\ntime.sleep(5)',
    "user-error",
    /descriptor 3/,
  ],
  "W8: a frame on descriptor 3 that is no message changes nothing": [
    'os.write(3, b"\\x04\\0\\0\\0true")\nraise KeyError("k")',
    "user-error",
    /run raised KeyError: 'k' on item 0/,
  ],
  "W8: descriptor 3 that is closed ends the process": [
    "os.close(3)\nreturn 1",
    "user-error",
    /closed descriptor 3/,
  ],
  "sys.exit ends the attempt alone": [
    'sys.exit("enough")',
    "user-error",
    /run called sys\.exit\('enough'\) on item 0 \(job\.py:4\)/,
  ],
  "a thread that raises fails the attempt": [
    `def work():
    raise ValueError("in a thread")
threading.Thread(target=work).start()
time.sleep(9)`,
    "user-error",
    /a thread of the job.* raised ValueError: in a thread \(job\.py:5\)/,
  ],
  "deep recursion is the job's error": [
    "def deeper(n):\n    return deeper(n + 1)\nreturn deeper(0)",
    "user-error",
    /run raised RecursionError: maximum recursion depth/,
  ],
  "a set is no value": [
    'return {"a": [1, {2}]}',
    "user-error",
    /a set at \.a\[1\] in the result of item 0 cannot be stored; use str/,
  ],
  "a dict with other keys than str is no value": [
    "return {1: 2}",
    "user-error",
    /a dict with the key 1, which is no str/,
  ],
  "NaN is no JSON": ['return float("nan")', "user-error", /nan in the result of item 0/],
  "a cycle is no value": ["a = []\na.append(a)\nreturn a", "user-error", /200 levels deep/],
  "a counter without a number": [
    'count("x", "y")',
    "user-error",
    /count\('x', 'y'\): not a finite/,
  ],
  "a result that is too long": ['return "x" * (2 << 20)', "limit-exceeded", /of at most 1048576/],
};

for (const [name, [body, code, message, options]] of Object.entries(faults)) {
  test(name, { skip }, async () => {
    const failure = await failed(running(body, options));
    assert.match(failure.message, message);
    assert.equal(failure.code, code);
  });
}

test("what reduce returns and cannot be stored is named with its key", { skip }, async () => {
  const job = cluster.file(
    "job.py",
    `from tequio import map_reduce
def reduce(key, values):
    return [{1}]
job = map_reduce(map=lambda line, emit: emit(line, 1), reduce=reduce, attempts=1)
`,
  );
  const input = cluster.file("keys.txt", "one\n");
  const expected = /a set at \[0\] in reduce cannot be stored; use .* on key 'one'/;
  const { failure } = await cluster.run(job, [input]);
  assert.match(failure?.message ?? "", expected);
});

test("a chain of exceptions is reported with files and lines", { skip }, async () => {
  const job = cluster.file(
    "job.py",
    `from tequio import map_reduce
def price(line):
    return int(line)
def map_line(line, emit):
    try:
        emit(line, price(line))
    except ValueError as error:
        raise RuntimeError("no price") from error
job = map_reduce(map=map_line, attempts=1)
`,
  );
  const input = cluster.file("in.txt", "1\nx\n");
  const { failure } = await cluster.run(job, [input]);
  const message =
    "map raised RuntimeError: no price; caused by ValueError: invalid literal for int() with " +
    `base 10: 'x' on the record at ${input}:2 (job.py:8)`;
  assert.ok(failure?.message.endsWith(message), failure?.message);
  assert.match(failure?.stack ?? "", /File "job\.py", line 3, in price\n +return int\(line\)/);
  assert.match(failure?.stack ?? "", /direct cause of[\s\S]*File "job\.py", line 8, in map_line/);
  assert.doesNotMatch(failure?.stack ?? "", /_worker|read\/job/);
  // The judge says the same.
  const built = await bundleJob(job);
  const planned = await planJob(built.job, { inputs: [input], params: {}, host: hostId() });
  await assert.rejects(runLocal(built.job, planned), { message: `user-error: ${message}` });
});

test("a thread that never ends keeps neither the job nor the worker", { skip }, async () => {
  const job = running("threading.Thread(target=lambda: time.sleep(1e6)).start()\nreturn 1");
  assert.equal((await cluster.run(job)).state, "done");
  assert.equal((await cluster.run(running("return 2"))).state, "done");
});

test("print, logging and log reach the job's log", { skip }, async () => {
  const body = `import logging
print("a", 1)
logging.warning("w")
log("b", {"c": 1})
sys.stdout.buffer.write(b"bytes\\n")
print("no end", end="")`;
  const { job } = await cluster.run(running(body));
  const lines: string[] = [];
  for await (const { line } of cluster.client.logs(job)) lines.push(line);
  assert.deepEqual(lines, ["a 1", "WARNING:root:w", 'b {"c": 1}', "bytes", "no end"]);
});

test("X9: a cancelled job ends its Python at once", { skip }, async () => {
  const built = await bundleJob(running('print("began")\nwhile True: pass'));
  const planned = await planJob(built.job, { inputs: [], params: {}, host: hostId() });
  const { submitJob } = await import("../../src/sdk/submit.ts");
  const id = await submitJob(cluster.client, built, planned, { name: "endless" });
  for await (const { line } of cluster.client.logs(id, { follow: true })) {
    if (line === "began") break;
  }
  await cluster.client.cancel(id);
  assert.equal((await cluster.run(running("return 1"))).state, "done");
});

test("combine and partition are named when they raise", { skip }, async () => {
  const input = cluster.file("in.txt", "a\na\n");
  const job = (rest: string) =>
    cluster.file(
      "job.py",
      `from tequio import map_reduce
job = map_reduce(map=lambda line, emit: emit(line, line), attempts=1, reducers=2, ${rest})
`,
    );
  const combine = await cluster.run(job("combine=lambda a, b: a - b"), [input]);
  assert.match(combine.failure?.message ?? "", /combine raised TypeError: unsupported operand/);
  const partition = await cluster.run(job("partition=lambda key, count: count"), [input]);
  assert.match(partition.failure?.message ?? "", /partition returned 2; it must return an int/);
  const again = await cluster.run(job("reduce=lambda k, v: [*v, *v]"), [input]);
  assert.match(again.failure?.message ?? "", /values can be read only once.*on key 'a'/);
});
