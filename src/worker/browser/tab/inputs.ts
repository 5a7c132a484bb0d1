/** What a task needs before it computes: code, plan, and what it reads, fetched and verified. */
import { ClusterError } from "../../../core/error.ts";
import { environmentIn, programKinds } from "../../../core/job.ts";
import type { InputFile, Plan } from "../../../wire/block/plan.ts";
import { planFrom } from "../../../wire/block/plan-text.ts";
import type { TaskOrder, TaskPiece } from "../contract.ts";
import { contentName, type InputCache } from "./cache.ts";
import { type Calls, fetchBytes, fetchDigested } from "./calls.ts";
import type { Digested } from "./digested.ts";
import { KeptBlobs } from "./kept.ts";
import type { TabLimits } from "./page-messages.ts";
import { piecesOf } from "./pieces.ts";
import type { PythonFetcher } from "./python.ts";
import type { TabTask } from "./session.ts";
import { Unreadable } from "./unreadable.ts";

const fetchesAtOnce = 6;
const textDecoder = new TextDecoder();

export class TaskInputs {
  readonly #limits: TabLimits;
  readonly #kept: KeptBlobs;
  readonly #plans = new Map<string, Promise<Plan>>();
  readonly #python: PythonFetcher;
  readonly #cache: Promise<InputCache | null>;

  constructor(limits: TabLimits, python: PythonFetcher, cache: Promise<InputCache | null>) {
    this.#limits = limits;
    this.#python = python;
    this.#cache = cache;
    this.#kept = new KeptBlobs(limits.keptMaxBytes);
  }

  /** Everything that the task needs, fetched. */
  async order(task: TabTask, calls: Calls): Promise<TaskOrder> {
    const { codeHash, job, kind, place, planHash, programKind } = task;
    const isPython = programKind === programKinds.python;
    const [plan, code] = await Promise.all([
      this.#plan(planHash, calls, place),
      this.#kept.get(codeHash, () => fetchBytes(calls, `${place}/code`)),
      isPython ? this.#python.fetch() : null,
    ]);
    const [[index = 0] = []] = task.attempts;
    const inputs = kind === "map" ? await this.#pieces(plan, index, task, calls) : [];
    const segments = kind === "reduce" ? await this.#segments(task, calls) : [];
    const items = kind === "tasks" ? await itemsOf(calls, task) : null;
    // Of those that are not wanted any more the coordinator sends no item: they are given back.
    const attempts = task.attempts.filter(([one]) => items === null || items.has(one));
    return {
      kind,
      group: `${job} ${codeHash} ${planHash}`,
      stage: task.stage,
      code: plan.operator === undefined && !isPython ? textDecoder.decode(code) : "",
      ...(isPython ? { python: { job, hash: codeHash, zip: code } } : {}),
      plan: partOf(plan, kind === "map" ? index : -1),
      around: environmentIn(task),
      attempts: attempts.map(([one, attempt]) => ({ task: one, attempt })),
      pieces: inputs,
      segments,
      items: items === null ? [] : attempts.map(([one]) => items.get(one) as string),
      filesMaxBytes: this.#limits.filesMaxBytes,
    };
  }

  async #plan(hash: string, calls: Calls, place: string): Promise<Plan> {
    const bytes = await this.#kept.get(hash, () => fetchBytes(calls, `${place}/plan`));
    let plan = this.#plans.get(hash);
    if (plan === undefined) {
      // One is enough: tasks come job by job.
      this.#plans.clear();
      plan = Promise.resolve(planFrom(textDecoder.decode(bytes)));
      this.#plans.set(hash, plan);
    }
    return plan;
  }

  #pieces(...[plan, index, task, calls]: [Plan, number, TabTask, Calls]): Promise<TaskPiece[]> {
    const { owner, place } = task;
    let held = 0;
    return piecesOf(plan, index, (file, start, end) => {
      held += end - start;
      this.#checkSize(held);
      // No range of no bytes can be asked for.
      if (start >= end) return Promise.resolve(new Uint8Array(0));
      const fetchIt = () => fetchDigested(calls, `${place}/file/${file}`, [start, end]);
      const name = () => contentName(plan.files[file] as InputFile, owner);
      return this.#cached(name, [start, end], fetchIt);
    });
  }

  async #cached(
    nameOf: () => Promise<string>,
    [start, end]: readonly [number, number],
    fetchIt: () => Promise<Digested>,
  ): Promise<Uint8Array> {
    const cache = await this.#cache;
    if (cache === null) return (await fetchIt()).bytes;
    const name = await nameOf();
    const kept = await cache.get(name, start, end);
    if (kept !== null) return kept;
    const fetched = await fetchIt();
    void cache.put(name, start, fetched);
    return fetched.bytes;
  }

  /** In the order of the map tasks; of a partition that cannot be had the map task is named. */
  async #segments({ inputCount, place }: TabTask, calls: Calls): Promise<Uint8Array[]> {
    const segments: Uint8Array[] = new Array(inputCount);
    let next = 0;
    let held = 0;
    const lane = async () => {
      for (let i = next++; i < inputCount; i = next++) {
        try {
          segments[i] = await fetchBytes(calls, `${place}/in/${i}`);
        } catch (error) {
          if (error instanceof ClusterError) throw new PartitionLost(i, error);
          throw error;
        }
        held += (segments[i] as Uint8Array).length;
        this.#checkSize(held);
      }
    };
    await Promise.all(Array.from({ length: fetchesAtOnce }, lane));
    return segments;
  }

  #checkSize(held: number): void {
    const { filesMaxBytes } = this.#limits;
    if (held <= filesMaxBytes) return;
    // A Node worker has a disk.
    throw new Unreadable(`a task reads more than the ${filesMaxBytes} bytes that a tab may hold`);
  }
}

/** A partition that no worker has any more, or that cannot be fetched. */
export class PartitionLost extends Error {
  readonly task: number;
  readonly problem: ClusterError;

  constructor(task: number, problem: ClusterError) {
    super(problem.message);
    this.task = task;
    this.problem = problem;
  }
}

/** What one task needs of the plan; splits and files keep their places. */
function partOf(plan: Plan, index: number): Plan {
  const splits: Plan["splits"][number][] = [];
  const files: Plan["files"][number][] = [];
  const split = plan.splits[index];
  if (split !== undefined) splits[index] = split;
  for (const [file] of split?.pieces ?? []) {
    const found = plan.files[file];
    if (found !== undefined) files[file] = found;
  }
  return { ...plan, splits, files, items: null };
}

/** JSON texts by their tasks: each line of the answer names its own. */
async function itemsOf(calls: Calls, { place }: TabTask): Promise<Map<number, string>> {
  const text = textDecoder.decode(await fetchBytes(calls, `${place}/in/numbered`));
  const items = new Map<number, string>();
  // By the newlines alone: the texts may have other ends of lines in them.
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const comma = line.indexOf(",");
    items.set(Number(line.slice(1, comma)), line.slice(comma + 1, -1));
  }
  return items;
}
