/** Tasks as existing workers take them: WebAssembly (kind 0), with the address and the hash of the
 *  module, and the item as its argument. They know no jobs and read no plans. */
import { timingSafeEqual } from "node:crypto";
import { ClusterError } from "../../../core/error.ts";
import type { Hash, JobId } from "../../../core/ids.ts";
import { moduleMaxBytes } from "../../../core/job.ts";
import { jobSpec, jobState } from "../../../core/view.ts";
import { isLoopback, type Listen, urlOf } from "../../../link/listen.ts";
import type { Blobs } from "../../../store/blob/blob.ts";
import { readWhole } from "../../../store/blob/whole.ts";
import { keccakMultihash } from "../../../wire/manager/keccak.ts";
import {
  type ManagerMessage,
  programKinds,
  type TaskExecute,
} from "../../../wire/manager/messages.ts";
import { packTaskId } from "../../../wire/manager/taskid.ts";
import type { Loop } from "../../loop/loop.ts";
import type { Ipfs } from "./ipfs.ts";
import type { ClusterKeys, WorkerOrder } from "./orders.ts";

type Items = { readonly hash: Hash; readonly count: number };

export type ProgramSources = {
  readonly loop: Pick<Loop, "state">;
  readonly keys: ClusterKeys;
  readonly plans: { read(plan: Hash): Promise<{ readonly items: Items | null }> };
  readonly itemLines: {
    read(list: Items & { readonly job: JobId }, wanted: readonly number[]): Promise<Buffer[]>;
  };
  readonly blobs: Pick<Blobs, "read" | "size">;
  /** Where modules are put, too; absent: they have an HTTP address alone. */
  readonly ipfs?: Ipfs | undefined;
  /** Reports for people. */
  readonly print: (line: string) => void;
};

export type TasksExecute = Extract<ManagerMessage, { kind: "tasksExecute" }>;
export type Assignment = Extract<WorkerOrder, { kind: "assign" }>;

/** Below the address of the coordinator; the key opens the module of this job, and nothing else. */
export function programPath(keys: ClusterKeys, job: JobId): string {
  return `/programs/${job}/${keys.tickets.sourceKey(keys.exchangeSecret(job), "program")}`;
}

/** Modules whose names are remembered: a module is hashed once, however many tasks it has. */
const namesMax = 64;

/** In place of no limit: a worker may take 0 s, or no bytes, at its word. Both fit where a peer
 *  counts milliseconds in 32 bits, or bytes. */
const noLimitS = 1_000_000;
const noUsageLimit = 2 ** 31 - 1;

/** How existing workers know a module. */
type Names = { readonly hash: Uint8Array; readonly addresses: readonly string[] };

/** The address of a module at a port of P4, for a worker that reaches the coordinator at `base`;
 *  none where such a worker cannot reach that port. */
export function p4Address(path: string, { host, port }: Listen, base: string): string[] {
  const reached = new URL(base).hostname.replace(/^\[(.*)\]$/, "$1");
  const isEverywhere = host === "0.0.0.0" || host === "::";
  if (!isEverywhere && isLoopback(host) !== isLoopback(reached)) return [];
  return [urlOf("grpc", { host: isEverywhere ? reached : host, port }) + path];
}

export class Programs {
  readonly #sources: ProgramSources;
  readonly #names = new Map<Hash, Promise<Names>>();
  /** The port of P4 that serves modules, too; null = none. Set once, when it is open. */
  p4: Listen | null = null;

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
    const { addresses, hash: programHash } = await this.#namesOf(spec.moduleHash);
    const path = programPath(keys, job);
    const onP4 = this.p4 === null ? [] : p4Address(path, this.p4, base);
    const programAddresses = [...addresses, ...onP4, base + path];
    const timeoutMs = spec.stages[stage]?.timeoutMs ?? 0;
    const ordered = attempts.toSorted((a, b) => a.task - b.task);
    const wanted = ordered.map(({ task }) => task);
    const lines = await itemLines.read({ job, ...items }, wanted);
    const tasks = ordered.map(
      ({ attempt, task }, at): TaskExecute => ({
        taskId: packTaskId(keys.tag, { job, stage, task, attempt }),
        programAddresses,
        programHash,
        programKind: programKinds.wasm,
        argument: new TextEncoder().encode(String(JSON.parse(String(lines[at])))),
        timeoutS: timeoutMs === 0 ? noLimitS : Math.ceil(timeoutMs / 1_000),
        networkUsageMax: noUsageLimit,
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

  #namesOf(module: Hash): Promise<Names> {
    const known = this.#names.get(module);
    if (known !== undefined) return known;
    const names = this.#named(module);
    names.catch(() => this.#names.delete(module));
    this.#names.set(module, names);
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= namesMax) break;
      this.#names.delete(oldest);
    }
    return names;
  }

  async #named(module: Hash): Promise<Names> {
    const bytes = await readWhole(this.#sources.blobs, module, moduleMaxBytes);
    return { hash: keccakMultihash(bytes), addresses: await this.#onIpfs(bytes) };
  }

  /** First, since existing workers try only the first address. Without the node the HTTP address is
   *  left, which some can use. */
  async #onIpfs(bytes: Uint8Array): Promise<string[]> {
    const { ipfs, print } = this.#sources;
    if (ipfs === undefined) return [];
    try {
      return [await ipfs.add(bytes)];
    } catch (error) {
      print((error as Error).message);
      return [];
    }
  }
}
