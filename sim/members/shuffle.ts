/** The shuffle of a simulated worker: the production code for outputs, links and checks on a disk
 *  in memory, and folders of task processes that are reused from job to job.
 *
 *  The work of task processes, and transfers over the network, have counterparts here: they compare
 *  each partition with its manifest, as in production. */
import { ClusterError } from "../../src/core/error.ts";
import { type AttemptRef, attemptKey, type JobId } from "../../src/core/ids.ts";
import type { JobOpen } from "../../src/wire/manager/messages.ts";
import type { RunOrder } from "../../src/worker/executor.ts";
import { attemptName } from "../../src/worker/shuffle/attempt-name.ts";
import type { ByteRange } from "../../src/worker/shuffle/byte-range.ts";
import { LocalSegments, sourceOf, type Wanted } from "../../src/worker/shuffle/local-segments.ts";
import { type Output, Outputs } from "../../src/worker/shuffle/outputs.ts";
import { ofOneJob } from "../../src/worker/shuffle/read-folder.ts";
import type { SimFiles } from "../world/files.ts";
import { hashOf, type Part, type Sealed, sealed, textOf } from "../world/sealed.ts";
import type { World } from "../world/world.ts";

/** A task process of a slot. */
type Process = { readonly dir: string; readonly code: string; job: string };

export class SimShuffle {
  readonly #world: World;
  readonly #files: SimFiles;
  readonly #dir: string;
  readonly #outputs: Outputs;
  readonly #local: LocalSegments;
  readonly #refs = new Map<string, AttemptRef>();
  readonly #processes = new Map<number, Process>();
  #serial = 0;

  /** `name`: of the worker on its machine. Leftovers of an earlier run are swept. */
  constructor(world: World, files: SimFiles, name: string) {
    this.#world = world;
    this.#files = files;
    this.#dir = `/${name}`;
    files.drop(this.#dir);
    this.#outputs = new Outputs(`${this.#dir}/shuffle`, files);
    void this.#outputs.sweep();
    this.#local = new LocalSegments(this.#outputs, files);
  }

  /** Of all outputs that are kept. */
  get refs(): AttemptRef[] {
    return [...this.#refs.values()];
  }

  /** The process of a slot changes to this job, or another replaces it. */
  enter(slot: number, job: JobOpen): void {
    const code = `${job.codeHash} ${job.owner}`;
    const before = this.#processes.get(slot);
    if (before?.code !== code) {
      this.leave(slot);
      this.#serial += 1;
      const dir = `${this.#dir}/processes/${this.#serial}`;
      this.#processes.set(slot, { dir, code, job: job.job });
    } else if (before.job !== job.job) {
      this.#empty(before);
      before.job = job.job;
    }
  }

  /** The process of a slot ends. */
  leave(slot: number): void {
    const process = this.#processes.get(slot);
    if (process !== undefined) this.#files.drop(process.dir);
    this.#processes.delete(slot);
  }

  closeJob(job: JobId): void {
    for (const process of this.#processes.values()) {
      if (process.job !== job) continue;
      this.#empty(process);
      process.job = "";
    }
    for (const [key, ref] of this.#refs) if (ref.job === job) this.#refs.delete(key);
    void this.#outputs.closeJob(job);
  }

  /** Stores a map output that the task process of a slot has made. */
  async keep(slot: number, ref: AttemptRef, partitions: readonly string[]): Promise<Sealed> {
    const made = sealed(partitions);
    this.#world.judge.shuffle.made(made.root, partitions);
    const out = `${this.#processes.get(slot)!.dir}/write/${attemptName(ref)}`;
    this.#files.put(`${out}.run`, made.run);
    this.#files.put(`${out}.manifest`, made.manifest);
    await this.#outputs.keep(ref, out, made.root);
    this.#refs.set(attemptKey(ref), ref);
    return made;
  }

  /** What another member may read; null = there is no such output here. */
  part(ref: AttemptRef, partition: number): Part | null {
    const output = this.#outputs.get(ref);
    const range = output?.manifest.at(partition);
    if (output === null || range === undefined) return null;
    const bytes = this.#files.readRange({ ...range, path: output.runPath });
    const manifest = this.#files.bytesOf(output.manifestPath);
    return bytes === null || manifest === null ? null : { bytes, manifest };
  }

  output(ref: AttemptRef): Output | null {
    return this.#outputs.get(ref);
  }

  /** All of it as it lies on the disk, by partition; null when it is gone. */
  textsOf({ manifest, runPath: path }: Output): string[] | null {
    const texts: string[] = [];
    for (let at = 0; at < manifest.length; at++) {
      const bytes = this.#files.readRange({ ...manifest.at(at)!, path });
      if (bytes === null) return null;
      texts.push(textOf(bytes));
    }
    return texts;
  }

  refOf(key: string): AttemptRef | null {
    return this.#refs.get(key) ?? null;
  }

  /** An output disappears from the disk. False when there is none. */
  lose(): boolean {
    for (const [key, ref] of this.#refs) {
      this.#refs.delete(key);
      void this.#outputs.drop(ref);
      return true;
    }
    return false;
  }

  /** A bit flips in an output. False when there is none. */
  flip(draw: number): boolean {
    return this.#files.flip(`${this.#dir}/shuffle`, draw);
  }

  /** What a reduce attempt in this slot has to read. */
  wanted(order: RunOrder, told: Pick<Wanted, "partition" | "sources">): Wanted {
    const dir = `${this.#processes.get(order.slot)!.dir}/read`;
    return { job: order.job, dir, ...told };
  }

  /** By map task: where the partition lies on this machine; null = it must be fetched. */
  async find(wanted: Wanted, count: number): Promise<Array<ByteRange | null>> {
    const tasks = Array.from({ length: count }, (_, task) => task);
    const segments = await Promise.all(tasks.map((task) => this.#local.find(wanted, task)));
    for (const [task, segment] of segments.entries()) {
      const source = segment === null ? null : sourceOf(wanted, task);
      if (source === null) continue;
      this.#world.judge.shuffle.named(`${wanted.dir} ${segment!.path}`, source.ref);
    }
    this.#world.judge.shuffle.holds(wanted.job, this.#files.namesIn(wanted.dir));
    return segments;
  }

  /** Reads linked files like a task process: texts by map task, null = it was fetched. */
  async read(
    wanted: Wanted,
    segments: ReadonlyArray<ByteRange | null>,
  ): Promise<Array<string | null>> {
    const bytes = segments.map((segment) => segment && this.#files.readRange(segment));
    const isRight = segments.every((segment, task) => {
      return segment === null || segment.sizeBytes === 0 || isSame(bytes[task], segment);
    });
    if (!isRight) {
      this.#world.count("reduce: damage noticed on the own disk");
      await this.#local.findDamage(wanted, segments);
      // It throws: there are no copies here.
      this.#world.judge.shuffle.overlooked(wanted.dir);
      throw new ClusterError("storage-failed", "a copy was damaged");
    }
    return bytes.map((found) => (found ? textOf(found) : null));
  }

  #empty({ dir }: Process): void {
    for (const name of ofOneJob(this.#files.namesIn(`${dir}/read`))) {
      this.#files.drop(`${dir}/read/${name}`);
    }
  }
}

function isSame(bytes: Uint8Array | null | undefined, { sha256 }: ByteRange): boolean {
  return bytes !== null && bytes !== undefined && hashOf(bytes) === sha256;
}
