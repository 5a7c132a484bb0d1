/** One task of a submitted job, as it is at the coordinator, for running it again here: its code,
 *  its parameters, its very input. */
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClusterError } from "../core/error.ts";
import type { Hash } from "../core/ids.ts";
import { programKinds } from "../core/job.ts";
import type { InputFile, Plan } from "../wire/block/plan.ts";
import { planFrom } from "../wire/block/plan-text.ts";
import { checkJob } from "./build/check-job.ts";
import { type Evaluate, load } from "./bundle.ts";
import type { Client } from "./client.ts";
import type { Job } from "./job.ts";
import type { OnlyTask } from "./local.ts";
import type { PlannedFound } from "./plan/of-found.ts";
import { foldable } from "./plan/tables.ts";
import type { Upload } from "./plan/upload.ts";

export type Replay = {
  readonly job: Job;
  /** Only what the task reads is there. */
  readonly planned: PlannedFound;
  readonly stage: OnlyTask["stage"];
  /** Removes what was fetched. */
  remove(): Promise<void>;
};

/** Of inputs that are fetched, for one task. */
const fetchedMaxBytes = 4 * 1024 ** 3;
const codeMaxBytes = 64 * 1024 * 1024;
const planMaxBytes = 1024 ** 3;

/** A task of a submitted job; `isReduce`: of its reduce tasks, which needs the input of all map
 *  tasks. */
export type Wanted = { readonly job: string; readonly task: number; readonly isReduce: boolean };

type Place = {
  /** This machine: `hostId`. */
  readonly host: string;
  readonly evaluate?: Evaluate;
};

/** Rejects with `not-found` when the job or the task is not known,
 *  with `bad-request` when it cannot be run here, and says why. */
export async function fetchReplay(
  client: Client,
  { evaluate, host, isReduce, job, task }: Wanted & Place,
): Promise<Replay> {
  const spec = await client.spec(job);
  if (spec.programKind === programKinds.python) {
    const what = `${job} is written in Python`;
    const text = `${what}; run its file with --sequential on what the task reads`;
    throw new ClusterError("bad-request", text);
  }
  const plan = planFrom(await textOf(client, spec.planHash, planMaxBytes));
  if (plan.operator !== undefined) {
    throw new ClusterError("bad-request", `${job} is an operator: it has no code to debug`);
  }
  const stage = stageOf(plan, { isReduce, job, task });
  const folder = await mkdtemp(join(tmpdir(), "tequio-replay-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const code = await textOf(client, spec.codeHash, codeMaxBytes);
    const splits = isReduce ? plan.splits : plan.splits.slice(task, task + 1);
    const uploads = await inputsOf(client, plan, { folder, host, splits });
    const path = join(process.cwd(), `${job}.ts`);
    const loaded = checkJob((await load(code, path, evaluate)).default, job);
    // Without reducers the pairs that `map` emits are the result.
    const { reducers } = isReduce ? plan : { reducers: 0 };
    const planned = foldable({ plan: { ...plan, reducers }, inputBytes: 0, uploads });
    return { job: loaded, planned, stage, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Throws `not-found` when there is no such task. */
function stageOf(plan: Plan, { isReduce, job, task }: Wanted): OnlyTask["stage"] {
  const what = isReduce ? "reduce task" : plan.items === null ? "map task" : "task";
  const count = isReduce ? plan.reducers : (plan.items?.count ?? plan.splits.length);
  if (task >= count) {
    const last = count === 0 ? `it has no ${what}s` : `its last ${what} is ${count - 1}`;
    throw new ClusterError("not-found", `${job} has no ${what} ${task}: ${last}`);
  }
  return isReduce ? "reduce" : plan.items === null ? "map" : "tasks";
}

type Here = { readonly folder: string; readonly host: string } & Pick<Plan, "splits">;

async function inputsOf(client: Client, plan: Plan, here: Here): Promise<Upload[]> {
  if (plan.items !== null) return [await fetched(client, plan.items.hash, here)];
  const uploads: Upload[] = [];
  const indexes = new Set(here.splits.flatMap(({ pieces }) => pieces.map(([index]) => index)));
  for (const index of indexes) {
    const file = plan.files[index] as InputFile;
    if (file.at.kind === "blob") {
      uploads.push(await fetched(client, file.at.hash, here));
      continue;
    }
    if (file.at.kind === "remote") continue;
    if (file.at.kind === "path" && file.at.host === here.host) continue;
    const where = file.at.kind === "path" ? "on another machine" : "with the members who share it";
    const text = `${file.name} lies ${where}; run the command there, or give the job a copy of it`;
    throw new ClusterError("bad-request", text);
  }
  return uploads;
}

async function fetched(client: Client, hash: Hash, { folder }: Here): Promise<Upload> {
  const path = join(folder, hash);
  const file = await open(path, "w", 0o600);
  let sizeBytes = 0;
  try {
    for await (const chunk of client.lendBlob(hash)) {
      sizeBytes += chunk.length;
      if (sizeBytes > fetchedMaxBytes) throw tooLarge("an input of the task", fetchedMaxBytes);
      await file.write(chunk);
    }
  } finally {
    await file.close();
  }
  return { hash, sizeBytes, at: { kind: "path", path } };
}

async function textOf(client: Client, hash: Hash, sizeMaxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of client.getBlob(hash)) {
    sizeBytes += chunk.length;
    if (sizeBytes > sizeMaxBytes) throw tooLarge("a part of the job", sizeMaxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooLarge(what: string, maxBytes: number): ClusterError {
  return new ClusterError("limit-exceeded", `${what} has over ${maxBytes} bytes`);
}
