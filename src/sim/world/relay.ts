/** The twin of the coordinator's relay: map outputs of whoever nobody can reach, on the disk of the
 *  coordinator. It outlives the process; what was not yet on the disk goes with the power. */
import type { AttemptRef, JobId } from "../../core/ids.ts";
import { attemptKey } from "../../core/ids.ts";
import type { Random } from "../../core/random.ts";
import { digestOf } from "./digest.ts";

type Relayed = { readonly job: JobId; readonly partitions: readonly string[] };

export class SimRelay {
  readonly #outputs = new Map<string, Relayed>();

  /** Returns the root. */
  put(ref: AttemptRef, partitions: readonly string[]): string {
    this.#outputs.set(attemptKey(ref), { job: ref.job, partitions });
    return digestOf(partitions.join("\f"));
  }

  /** Null = there is none, or no such partition. */
  read(key: string, partition: number): string | null {
    return this.#outputs.get(key)?.partitions[partition] ?? null;
  }

  get jobs(): Set<JobId> {
    return new Set([...this.#outputs.values()].map(({ job }) => job));
  }

  drop(job: JobId): void {
    for (const [key, output] of this.#outputs) if (output.job === job) this.#outputs.delete(key);
  }

  keepOnly(running: (job: JobId) => boolean): void {
    for (const job of this.jobs) if (!running(job)) this.drop(job);
  }

  /** The disk loses one. False when it has none. */
  lose(draw: number): boolean {
    const keys = [...this.#outputs.keys()];
    const key = keys[Math.floor(draw * keys.length)];
    return key !== undefined && this.#outputs.delete(key);
  }

  /** The machine loses its power: files are not synced one by one. */
  losePower(random: Random): number {
    const before = this.#outputs.size;
    for (const key of this.#outputs.keys()) if (random.chance(0.3)) this.#outputs.delete(key);
    return before - this.#outputs.size;
  }
}
