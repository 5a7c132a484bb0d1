/** Partitions that lie on this worker's disk, its own or those of a worker beside it: not copied,
 *  they get a second name in the folder of the task that reads them.
 *
 *  The task compares the SHA-256 of each while it reads. When one is another, all are looked at:
 *  outputs that have changed are lost, and are computed again. */
import { ClusterError } from "../../core/error.ts";
import type { AttemptRef, Hash } from "../../core/ids.ts";
import type { StageSources } from "../../wire/manager/messages.ts";
import type { ByteRange } from "./byte-range.ts";
import type { ShuffleDisk } from "./disk.ts";
import { type NearOutput, NearOutputs } from "./near.ts";
import type { Outputs } from "./outputs.ts";
import { linkName } from "./read-folder.ts";
import { hasSecondName } from "./second-name.ts";

/** Where the coordinator says that the output of a map task lies. */
export type Source = {
  readonly url: string;
  readonly ticket: string;
  readonly ref: AttemptRef;
  readonly root: Hash;
};

/** What one reduce attempt reads. */
export type Wanted = {
  readonly job: AttemptRef["job"];
  readonly partition: number;
  /** Where partitions lie, now: asked again after a failure. */
  readonly sources: () => StageSources | null;
  /** Folder that the task process may read; links and fetched bytes are put there. */
  readonly dir: string;
};

/** Some partitions could not be had; the coordinator lets those tasks run again. */
export class PartitionsLost extends ClusterError {
  readonly lostTasks: readonly number[];

  constructor(lostTasks: readonly number[], cause: unknown) {
    const first = cause instanceof Error ? cause.message : String(cause);
    const text = `partitions of ${lostTasks.length} map tasks cannot be had: ${first}`;
    super("download-failed", text, { cause });
    this.lostTasks = lostTasks;
  }
}

export class LocalSegments {
  readonly #disk: ShuffleDisk;
  readonly #outputs: Outputs;
  readonly #near: NearOutputs;

  constructor(outputs: Outputs, disk: ShuffleDisk) {
    this.#disk = disk;
    this.#outputs = outputs;
    this.#near = new NearOutputs(outputs.dir, disk);
  }

  /** The partition as map task `task` made it, linked into the task's folder; null when it must be
   *  fetched. Throws `storage-failed` when another file has the name of the link. */
  async find(wanted: Wanted, task: number): Promise<ByteRange | null> {
    const source = sourceOf(wanted, task);
    if (source === null) return null;
    const own = this.#outputs.get(source.ref);
    const isOwn = own !== null && own.root === source.root;
    const found = isOwn ? await this.#linked(wanted, source, own) : null;
    return found ?? this.#beside(wanted, source);
  }

  /** After a task has read other bytes than it was promised: outputs that are not what their
   *  manifests say, here or beside, are lost, and named by `PartitionsLost`. Returns when there are
   *  none: what was damaged was a copy. `segments`: by map task; null = it was fetched. */
  async findDamage(wanted: Wanted, segments: ReadonlyArray<ByteRange | null>): Promise<void> {
    const lost: number[] = [];
    for (const [task, segment] of segments.entries()) {
      if (segment === null || (await this.#disk.isUnchanged(segment))) continue;
      lost.push(task);
      const source = sourceOf(wanted, task);
      if (source !== null) await this.#outputs.drop(source.ref);
    }
    if (lost.length > 0) throw new PartitionsLost(lost, "they have changed on the disk");
  }

  async #beside(wanted: Wanted, source: Source): Promise<ByteRange | null> {
    const found = await this.#near.find(source.url, source.ref, source.root);
    return found === null ? null : this.#linked(wanted, source, found);
  }

  /** Null when it cannot get a name for the task. */
  async #linked(
    { dir, partition: at }: Wanted,
    { ref, root }: Source,
    { runPath, manifest }: NearOutput,
  ): Promise<ByteRange | null> {
    const partition = manifest.at(at);
    if (partition === undefined) return null;
    const path = `${dir}/${linkName(ref, root)}`;
    const isThere = partition.sizeBytes === 0 || (await hasSecondName(this.#disk, runPath, path));
    if (!isThere) return null;
    const { offset, sha256, sizeBytes } = partition;
    return { path, offset, sizeBytes, sha256 };
  }
}

/** Null for a hole: the task is being computed again, or its worker cannot be reached. */
export function sourceOf({ job, sources }: Wanted, task: number): Source | null {
  const told = sources();
  const entry = told?.tasks[task];
  if (told === null || entry === undefined) return null;
  const [url, attempt, root] = entry;
  if (url < 0) return null;
  const ref = { job, stage: told.stage, task, attempt };
  return { url: told.urls[url] ?? "", ticket: told.tickets[url] ?? "", ref, root };
}
