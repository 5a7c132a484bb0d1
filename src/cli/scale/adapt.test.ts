/** The loop: it asks for what is missing, takes back the idle, and outlives what is away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterError } from "../../core/error.ts";
import type { JobSummary, WorkerSummary } from "../../core/summary.ts";
import { adapt, type Step, stepText } from "./adapt.ts";
import type { Scheduler, Unit } from "./scheduler.ts";

const job = (ready: number, running = 0) =>
  ({ state: "running", stages: [{ meanMs: 60_000, ready, running }] }) as unknown as JobSummary;
const worker = (name: string, running: number) =>
  ({ name, running, slots: 1, state: "live", paused: "" }) as unknown as WorkerSummary;

class Units implements Scheduler {
  list: Unit[] = [];
  started = 0;
  /** As schedulers hold back what would fail again. */
  holdsBack = false;
  readonly ended: string[] = [];

  script = () => "";
  units = async () => this.list;
  close = async () => {};

  async start(count: number) {
    if (this.holdsBack) return 0;
    this.started += count;
    for (let n = 0; n < count; n++) {
      const id = `u${this.list.length}`;
      this.list = [...this.list, { id, worker: id, state: "running" }];
    }
    return count;
  }

  async end(units: readonly Unit[]) {
    for (const { id } of units) {
      this.ended.push(id);
      this.list = this.list.map((one) => (one.id === id ? { ...one, state: "leaving" } : one));
    }
  }
}

/** So many steps; `look` before each. */
async function steps(units: Units, looks: ReadonlyArray<() => readonly JobSummary[]>, busy = "") {
  const stopping = new AbortController();
  const seen: Step[] = [];
  const problems: string[] = [];
  let at = 0;
  await adapt(
    {
      async runningJobs() {
        const look = looks[at++];
        if (at >= looks.length) stopping.abort();
        return look?.() ?? [];
      },
      workers: async () =>
        units.list.map(({ worker: name }) => worker(name, name === busy ? 1 : 0)),
    },
    units,
    {
      limits: { min: 0, max: 3, slots: 1, withinMs: 60_000, holdMs: 0 },
      everyMs: 1,
      signal: stopping.signal,
      stepped: (step) => seen.push(step),
      failed: ({ code }) => problems.push(code),
    },
  );
  return { seen, problems };
}

test("never more than the maximum, also while others leave", async () => {
  const units = new Units();
  const { seen } = await steps(units, [() => [job(9)], () => [], () => [job(9)], () => [job(9)]]);
  assert.equal(units.started, 3, "three leave, and may still run");
  assert.deepEqual(
    seen.map(({ change }) => change),
    [3, -3],
  );
  units.list = [];
  await steps(units, [() => [job(9)]]);
  assert.equal(units.started, 6);
});

test("only what was asked for is reported", async () => {
  const units = new Units();
  units.holdsBack = true;
  const { seen } = await steps(units, [() => [job(9)], () => [job(9)]]);
  assert.deepEqual(seen, []);
});

test("the least busy is taken back", async () => {
  const units = new Units();
  await steps(units, [() => [job(3)], () => [job(0, 1)]], "u0");
  assert.deepEqual(units.ended.toSorted(), ["u1", "u2"]);
});

test("a coordinator that is away is asked again; a wrong option is not", async () => {
  const away = () => {
    throw new ClusterError("unavailable", "it is away");
  };
  const { problems } = await steps(new Units(), [away, () => [job(1)]]);
  assert.deepEqual(problems, ["unavailable"]);
  const wrong = () => {
    throw new ClusterError("bad-request", "it is wrong");
  };
  await assert.rejects(steps(new Units(), [wrong]), /it is wrong/);
});

test("a step says what there is and what is asked", () => {
  const text = stepText({ wanted: 3, pending: 0, running: 1, change: 2 });
  assert.equal(text, "1 worker and 0 pending, 3 wanted: asking for 2 more");
});
