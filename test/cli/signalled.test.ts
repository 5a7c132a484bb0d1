/** SIGTERM to every process of a worker at once, as batch systems and service managers send it:
 *  what runs ends as it would by SIGTERM to the worker alone. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { Place } from "../fixtures/place.ts";
import { pythonWith } from "../python/find.ts";

const javascript = `import { tasks } from "tequio";
export default tasks({
  items: [3],
  clock: "real",
  async run(n) {
    console.log("it has begun");
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    return n * n;
  },
});
`;
const python = `from time import sleep
from tequio import tasks

def run(n):
    print("it has begun")
    sleep(2)
    return n * n

job = tasks(items=[3], clock="real", run=run)
`;

const skip = process.platform === "linux" ? false : "only Linux has /proc";

test("a task of JavaScript outlives SIGTERM to all of its worker", { skip }, (t) =>
  drained(t, "job.ts", javascript),
);

test("a task of Python outlives SIGTERM to all of its worker", { skip }, (t) => {
  const name = pythonWith("json") === null ? "no Python is installed" : null;
  return name === null ? drained(t, "job.py", python) : t.skip(name);
});

async function drained(t: TestContext, name: string, job: string): Promise<void> {
  const place = new Place(t, { [name]: job });
  const up = place.start("up", "--workers", "0", "--listen", "127.0.0.1:0");
  const said = await up.said("run a job");
  const [, url] = /tequio join (\S+)/.exec(said) ?? [];
  const [, token] = /--token (\S+)/.exec(said) ?? [];
  assert.ok(url !== undefined && token !== undefined, said);
  const join = ["join", url, "--token", token, "--slots", "1", "--listen", "127.0.0.1:0"];
  const worker = place.start(...join, "--data", "w", "--drain", "120s", "--sandbox", "basic");
  const run = place.start("run", name, "-o", "-", "--watch");
  await run.said("it has begun");
  for (const pid of family(worker.pid)) process.kill(pid, "SIGTERM");
  const ended = await run.ended;
  assert.equal(ended.code, 0, ended.err);
  assert.match(ended.out, /^9$/m);
  assert.equal((await worker.ended).code, 0, worker.err);
  const all = JSON.parse((await place.run("workers", "--all", "--json")).out);
  assert.deepEqual(
    all.map((one: { done: number; failed: number }) => [one.done, one.failed]),
    [[1, 0]],
  );
}

/** A process and all that descend from it. */
function family(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1").trim().split(" "),
  );
  return [pid, ...children.filter((child) => child !== "").flatMap((one) => family(Number(one)))];
}
