/** Tasks as existing workers take them: WebAssembly (kind 0), with the address and the hash of the
 *  module, and the item as its argument. They know no jobs and read no plans. */
import { timingSafeEqual } from "node:crypto";
import { ClusterError } from "../../../core/error.ts";
import type { Hash, JobId } from "../../../core/ids.ts";
import { jobSpec, jobState } from "../../../core/view.ts";
import type { Blobs } from "../../../store/blob/blob.ts";
import { keccakMultihash } from "../../../wire/manager/keccak.ts";
import {
  type ManagerMessage,
  programKinds,
  type TaskExecute,
} from "../../../wire/manager/messages.ts";
import { packTaskId } from "../../../wire/manager/taskid.ts";
import type { Loop } from "../../loop/loop.ts";
import type { ClusterKeys, WorkerOrder } from "./orders.ts";

type Items = { readonly hash: Hash; readonly count: number };

export type ProgramSources = {
  readonly loop: Pick<Loop, "state">;
  readonly keys: ClusterKeys;
  readonly plans: { read(plan: Hash): Promise<{ readonly items: Items | null }> };
  readonly itemLines: {
    read(list: Items & { readonly job: JobId }, wanted: readonly number[]): Promise<Buffer[]>;
  };
  readonly blobs: Pick<Blobs, "read">;
};

export type TasksExecute = Extract<ManagerMessage, { kind: "tasksExecute" }>;
export type Assignment = Extract<WorkerOrder, { kind: "assign" }>;

/** Below the address of the coordinator; the key opens the module of this job, and nothing else. */
export function programPath(keys: ClusterKeys, job: JobId): string {
  return `/programs/${job}/${keys.tickets.sourceKey(keys.exchangeSecret(job), "program")}`;
}

/** Hashes that are remembered; a module is hashed once, however many tasks it has. */
const hashesMax = 64;

export class Programs {
  readonly #sources: ProgramSources;
  readonly #hashes = new Map<Hash, Promise<Uint8Array>>();

  constructor(sources: ProgramSources) {
    this.#sources = sources;
  }

  /** The message, for a worker that reaches the coordinator at `base`, as `http://host:7070`.
   *  Rejects when the job has no module, or its items cannot be read. */
  async assignment(order: Assignment, base: string): Promise<TasksExecute> {
    const { itemLines, keys, loop, plans } = this.#sources;
    const { attempts, job, stage } = order;
    const spec = jobSpec(loop.state, job);
    const { items = null } = spec === null ? {} : await plans.read(spec.planHash);
    if (spec?.moduleHash === undefined || items === null) {
      throw new ClusterError("not-found", `${job} has no module with items`);
    }
    const programHash = await this.#hashOf(spec.moduleHash);
    const timeoutMs = spec.stages[stage]?.timeoutMs ?? 0;
    const ordered = attempts.toSorted((a, b) => a.task - b.task);
    const wanted = ordered.map(({ task }) => task);
    const lines = await itemLines.read({ job, ...items }, wanted);
    const tasks = ordered.map(
      ({ attempt, task }, at): TaskExecute => ({
        taskId: packTaskId(keys.tag, { job, stage, task, attempt }),
        programAddresses: [base + programPath(keys, job)],
        programHash,
        programKind: programKinds.wasm,
        argument: new TextEncoder().encode(String(JSON.parse(String(lines[at])))),
        timeoutS: Math.ceil(timeoutMs / 1_000),
        networkUsageMax: 0,
        timeoutMs: 0,
      }),
    );
    return { kind: "tasksExecute", tasks };
  }

  /** The name of the module that this path opens; null = there is none, or not by this key. */
  moduleAt(job: JobId, key: string): Hash | null {
    const { keys, loop } = this.#sources;
    const right = Buffer.from(programPath(keys, job));
    const shown = Buffer.from(`/programs/${job}/${key}`);
    if (shown.length !== right.length || !timingSafeEqual(shown, right)) return null;
    if (jobState(loop.state, job) !== "running") return null;
    return jobSpec(loop.state, job)?.moduleHash ?? null;
  }

  #hashOf(module: Hash): Promise<Uint8Array> {
    const known = this.#hashes.get(module);
    if (known !== undefined) return known;
    const hash = this.#hashed(module);
    hash.catch(() => this.#hashes.delete(module));
    this.#hashes.set(module, hash);
    for (const oldest of this.#hashes.keys()) {
      if (this.#hashes.size <= hashesMax) break;
      this.#hashes.delete(oldest);
    }
    return hash;
  }

  async #hashed(module: Hash): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#sources.blobs.read(module)) chunks.push(chunk.slice());
    return keccakMultihash(Buffer.concat(chunks));
  }
}
