/** Python in each sandbox that this host has, and what job code reaches there. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { findPython } from "../../src/worker/slot/python.ts";
import { probeSandbox, runsPython } from "../../src/worker/slot/sandbox-node.ts";
import { type FindTool, findTool } from "../../src/worker/slot/walls/view.ts";
import { clusterForTests, noPython } from "./cluster.ts";

const skip = noPython;
const cluster = clusterForTests({ sandbox: "basic" });

const without =
  (...names: readonly string[]): FindTool =>
  (name) =>
    names.includes(name) ? null : findTool(name);
const finders: Readonly<Record<string, FindTool>> = {
  "the best that is here": findTool,
  "without bubblewrap": without("bwrap"),
  "without pivot_root": without("pivot_root"),
  "with neither": without("bwrap", "pivot_root"),
};

for (const [name, find] of Object.entries(finders)) {
  test(`Python starts in the sandbox: ${name}`, { skip }, async (t) => {
    const sandbox = await probeSandbox("auto", find);
    t.diagnostic(`${sandbox.profile}, ${sandbox.launcher?.name ?? "no launcher"}`);
    assert.equal(await runsPython(sandbox, (await findPython())!), true);
  });
}

test("a Python that takes long to start on a busy machine is found all the same", {
  skip,
}, async (t) => {
  const program = join(temporaryDir(t, "slow-python-"), "python3");
  const { executable } = (await findPython())!;
  writeFileSync(program, `#!/bin/sh\nsleep 11\nexec ${executable} "$@"\n`, { mode: 0o755 });
  assert.equal((await findPython(program))?.executable, executable);
});

const probes = {
  network: 'import socket; socket.create_connection(("127.0.0.1", 9))',
  process: 'import subprocess; subprocess.run(["true"])',
  signal: "import os; os.kill(os.getppid(), 0)",
  "file beside": 'open("../beside", "w")',
  "folder beside": 'import os; os.mkdir("/beside")',
  "own file": 'open("mine", "w").write("x"); open("mine").read()',
  "list of files": 'import os; os.listdir(".")',
  random: "import os, uuid; os.urandom(4); uuid.uuid4()",
  clock: "import zoneinfo, datetime; datetime.datetime.now(datetime.timezone.utc)",
  threads: "import threading; t = threading.Thread(target=print); t.start(); t.join()",
};

test("in basic the interpreter refuses what is beside a task's files", { skip }, async () => {
  const code = `from tequio import tasks
def run(code):
    try:
        exec(code, {})
        return "done"
    except PermissionError as error:
        return str(error)
job = tasks(items=${JSON.stringify(Object.values(probes))}, run=run)
`;
  const { failure, job } = await cluster.run(cluster.file("job.py", code));
  assert.equal(failure, null);
  const said: unknown[] = [];
  for await (const result of cluster.client.results(job)) said.push(result);
  assert.deepEqual(Object.fromEntries(Object.keys(probes).map((name, at) => [name, said[at]])), {
    network: "job code may not use the network",
    process: "job code may not start processes",
    signal: "job code may not signal processes",
    "file beside": "job code may not write ../beside",
    "folder beside": "job code may not write /beside",
    "own file": "done",
    "list of files": "done",
    random: "done",
    clock: "done",
    threads: "done",
  });
});
