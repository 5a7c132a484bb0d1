/** The simulated counterpart of the relay's files: map outputs of unreachable workers, on the
 *  coordinator's disk. They outlive the process; a power loss loses those that were not on the disk
 *  yet. Which outputs exist is decided by the production code (`KeptOutputs`). */
import type { OutputFiles, Writing } from "../../src/coordinator/relay/kept-outputs.ts";
import { ClusterError } from "../../src/core/error.ts";
import type { AttemptRef, JobId } from "../../src/core/ids.ts";
import { attemptKey } from "../../src/core/ids.ts";
import type { Random } from "../../src/core/random.ts";
import type { SimProcess } from "./process.ts";
import { flipBit, type Part, partOf, type Sealed, sealed } from "./sealed.ts";

export type SimOutput = {
  readonly ref: AttemptRef;
  readonly root: string;
  readonly sealed: Sealed;
};

/** What the relay needs of its disk. */
export type RelayDisk = {
  readonly full: boolean;
  readonly writeMs: () => number;
  readonly count: (what: string) => void;
};

export class SimRelay {
  /** Called when an output begins to be written, with the duration, ms. */
  onWrite: ((takesMs: number) => void) | null = null;
  /** Called before all outputs of a job are removed. */
  onRemove: (job: JobId) => void = () => {};
  readonly #disk: RelayDisk;
  readonly #outputs = new Map<string, SimOutput>();
  /** Keys and roots of all outputs that were ever complete on the disk, of jobs that have not been
   *  removed. */
  readonly #everKept = new Map<string, JobId>();

  constructor(disk: RelayDisk) {
    this.#disk = disk;
  }

  readonly files: OutputFiles<SimOutput> = {
    load: () => [...this.#outputs.values()].map((output) => [output.ref, output] as const),
    jobs: () => this.jobs,
    remove: async (job) => {
      this.onRemove(job);
      for (const [key, { ref }] of this.#outputs) if (ref.job === job) this.#outputs.delete(key);
      for (const [key, of] of this.#everKept) if (of === job) this.#everKept.delete(key);
    },
  };

  get jobs(): Set<JobId> {
    return new Set([...this.#outputs.values()].map(({ ref }) => ref.job));
  }

  /** An output that a process writes. One that is published before it is written is on the disk
   *  once it is, if the process lives until then. */
  writing(process: SimProcess, ref: AttemptRef, partitions: readonly string[]): Writing<SimOutput> {
    const disk = this.#disk;
    const made = sealed(partitions);
    const output = { ref, root: made.root, sealed: made };
    const takesMs = disk.writeMs();
    this.onWrite?.(takesMs);
    let isWritten = false;
    let isPublished = false;
    const place = () => {
      if (!isWritten || !isPublished) return;
      const key = attemptKey(ref);
      this.#outputs.set(key, output);
      this.#everKept.set(`${key} ${output.root}`, ref.job);
      disk.count("relay: output kept");
    };
    const written = process.sleep(takesMs).then(() => {
      if (disk.full) {
        disk.count("relay: disk full");
        throw new ClusterError("storage-full", "the coordinator's disk is full");
      }
      isWritten = true;
      place();
    });
    const publish = () => {
      isPublished = true;
      place();
      return output;
    };
    return { root: output.root, written, publish, discard: async () => {} };
  }

  /** Null = it is not on the disk, or has no such partition. */
  read(key: string, partition: number): Part | null {
    const found = this.#outputs.get(key);
    return found === undefined ? null : partOf(found.sealed, partition);
  }

  /** Whether it was ever complete on the disk. */
  hasKept(key: string, root: string): boolean {
    return this.#everKept.has(`${key} ${root}`);
  }

  /** The disk loses one. False when it has none. */
  lose(draw: number): boolean {
    const keys = [...this.#outputs.keys()];
    const key = keys[Math.floor(draw * keys.length)];
    return key !== undefined && this.#outputs.delete(key);
  }

  /** A bit flips in one. False when it has none with any byte. */
  flip(draw: number): boolean {
    const runs = [...this.#outputs.values()].map((output) => output.sealed.run);
    const run = runs.filter(({ length }) => length > 0)[Math.floor(draw * runs.length)];
    if (run !== undefined) flipBit(run, (draw * runs.length) % 1);
    return run !== undefined;
  }

  /** The machine loses its power: files are not synced one by one. */
  losePower(random: Random): number {
    const before = this.#outputs.size;
    for (const key of this.#outputs.keys()) if (random.chance(0.3)) this.#outputs.delete(key);
    return before - this.#outputs.size;
  }
}
