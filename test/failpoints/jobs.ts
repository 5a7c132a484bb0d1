/** Small jobs whose every byte depends on their input, with what the judge makes of them, and how a
 *  client runs them through coordinators that die. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../src/core/error.ts";
import { hostId } from "../../src/link/host.ts";
import { type BuiltJob, bundleJob } from "../../src/sdk/bundle.ts";
import type { Client } from "../../src/sdk/client.ts";
import { collect, saveResult } from "../../src/sdk/collect.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { type Planned, planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";

/** A call is repeated for so long while no coordinator answers, ms. */
const patienceMs = waitMaxMs;

type Traits = {
  /** How long a line takes, without a bearing on the result. */
  readonly spin?: number;
  /** False: each free worker has a part in each job, however slow its processes start. */
  readonly backupTasks?: boolean;
  /** Map tasks, about, and reduce tasks. */
  readonly tasks?: number;
};

const source = ({ spin = 2_000, backupTasks = true, tasks = tasksUsual }: Traits) => `
import { type Emit, mapReduce } from "tequio";
export default mapReduce({
  reducers: ${tasks},
  backupTasks: ${backupTasks},
  map(line: string, emit: Emit<string, number>) {
    let spin = 0;
    for (let n = 0; n < ${spin}; n++) spin = (spin * 31 + n) % 1_000_003;
    for (const word of line.split(" ")) emit(word, spin >= 0 ? 1 : 0);
  },
  combine: (a, b) => a + b,
});
`;

export type Job = {
  readonly built: BuiltJob;
  readonly planned: Planned;
  /** Every byte of the output, by the sequential judge. */
  readonly expected: string;
};

const lineCount = 600;
const tasksUsual = 6;

/** Counts words. */
export async function prepareJob(dir: string, traits: Traits = {}): Promise<Job> {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, "words.ts");
  writeFileSync(file, source(traits));
  const lines = Array.from({ length: lineCount }, (_, n) =>
    Array.from({ length: 8 }, (_, k) => `w${(n * 31 + k * 17) % 400}`).join(" "),
  );
  const input = join(dir, "input.txt");
  writeFileSync(input, `${lines.join("\n")}\n`);
  const built = await bundleJob(file);
  const { tasks = tasksUsual } = traits;
  const splitBytes = Math.ceil((lines.join("\n").length + 1) / tasks);
  const planned = await planJob(built.job, {
    inputs: [input],
    params: {},
    splitBytes,
    host: hostId(),
  });
  const { result } = await runLocal(built.job, planned);
  const out = join(dir, "judge");
  await saveResult(result, { kind: "folder", path: out });
  return { built, planned, expected: folderText(out) };
}

function folderText(dir: string): string {
  const names = readdirSync(dir).sort();
  return names.map((name) => `== ${name}\n${readFileSync(join(dir, name), "utf8")}`).join("");
}

/** Repeats a call that got no answer. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  const giveUpAtMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const mayRetry = error instanceof ClusterError && error.code === "unavailable";
      if (!mayRetry || performance.now() > giveUpAtMs) throw error;
    }
    await delay(20);
  }
}

/** The job's id; its name is its idempotency key. */
export function submit(client: Client, job: Job, name: string): Promise<string> {
  return patiently(() => submitJob(client, job.built, job.planned, { name, key: name }));
}

/** Submits under a key of its own, watches, collects, compares; the job is there exactly once.
 *  Answers its id. */
export async function runJob(client: Client, job: Job, name: string, dir: string): Promise<string> {
  const id = await submit(client, job, name);
  await finishJob(client, job, { id, name, dir });
  return id;
}

/** As `runJob`, for a job that is submitted already. */
export async function finishJob(
  client: Client,
  job: Job,
  { id, name, dir }: { readonly id: string; readonly name: string; readonly dir: string },
): Promise<void> {
  const signal = AbortSignal.timeout(2 * patienceMs);
  let last = null;
  for await (const summary of client.watch(id as never, { signal })) last = summary;
  assert.equal(last?.state, "done", `${name}: ${JSON.stringify(last?.failure ?? last)}`);
  const out = join(dir, `out-${name}`);
  await patiently(async () => {
    rmSync(out, { recursive: true, force: true });
    await collect(client, last, { kind: "folder", path: out });
  });
  assert.equal(folderText(out) === job.expected, true, `${name} equals the judge`);
  rmSync(out, { recursive: true });
  const jobs = await patiently(() => client.jobs());
  const same = jobs.filter((summary) => summary.name === name);
  assert.deepEqual(
    same.map((summary) => summary.job),
    [id],
    `${name} is there once`,
  );
}
