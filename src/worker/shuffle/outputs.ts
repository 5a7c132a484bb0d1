/** Map outputs that this worker keeps for others:
 *  `<dir>/<job>/<stage>/<task>.<attempt>.{run,manifest}`.
 *
 *  1. An output is there once both files lie in their place; its manifest has the root that was
 *     reported.
 *  2. They are removed with their job. What a former life left is swept at the start. */
import { ClusterError } from "../../core/error.ts";
import { type AttemptRef, attemptKey, type Hash, type JobId } from "../../core/ids.ts";
import { hit } from "../../store/failpoint.ts";
import { decodeManifest, type Manifest, manifestMaxBytes } from "../../wire/block/manifest.ts";
import type { Serving } from "../executor.ts";
import type { ShuffleDisk } from "./disk.ts";
import { diskError } from "./disk-error.ts";

export type Output = {
  readonly ref: AttemptRef;
  readonly root: Hash;
  readonly runPath: string;
  readonly manifestPath: string;
  readonly manifest: Manifest;
};

export class Outputs {
  readonly #dir: string;
  readonly #disk: ShuffleDisk;
  readonly #outputs = new Map<string, Output>();
  /** Those that have a directory here. */
  readonly #jobs = new Set<JobId>();

  constructor(dir: string, disk: ShuffleDisk) {
    this.#dir = dir;
    this.#disk = disk;
  }

  get dir(): string {
    return this.#dir;
  }

  /** Takes `<out>.run` and `<out>.manifest` from a task process. Throws `task-crashed` when they
   *  are not what it reported, `storage-full`. */
  async keep(ref: AttemptRef, out: string, root: Hash): Promise<Output> {
    try {
      const { bytes, sha256 } = await this.#disk.read(`${out}.manifest`, manifestMaxBytes);
      if (sha256 !== root) throw changed(ref, "manifest");
      const manifest = decodeManifest(bytes);
      const made = await this.#disk.entry(`${out}.run`);
      if (made?.kind !== "file" || made.sizeBytes !== manifest.sizeBytes) {
        throw changed(ref, "run");
      }
      this.#jobs.add(ref.job);
      await this.#disk.makeFolder(`${this.#dir}/${ref.job}/${ref.stage}`);
      const base = outputPath(this.#dir, ref);
      const output = {
        ref,
        root,
        runPath: `${base}.run`,
        manifestPath: `${base}.manifest`,
        manifest,
      };
      hit("output.run", "before");
      await this.#disk.rename(`${out}.run`, output.runPath);
      hit("output.run", "after");
      // What has the name now, not what had it a moment ago: job code could have made it a link.
      if ((await this.#disk.entry(output.runPath))?.id !== made.id) {
        await this.#disk.remove(output.runPath);
        throw changed(ref, "run");
      }
      hit("output.manifest", "before");
      await this.#disk.rename(`${out}.manifest`, output.manifestPath);
      hit("output.manifest", "after");
      this.#outputs.set(attemptKey(ref), output);
      return output;
    } catch (error) {
      throw diskError(error, `keeping the output of ${attemptKey(ref)}`);
    }
  }

  get(ref: AttemptRef): Output | null {
    return this.#outputs.get(attemptKey(ref)) ?? null;
  }

  /** Found to be damaged: it is served no more. */
  async drop(ref: AttemptRef): Promise<void> {
    const output = this.#outputs.get(attemptKey(ref));
    if (output === undefined) return;
    this.#outputs.delete(attemptKey(ref));
    const paths = [output.runPath, output.manifestPath];
    await Promise.all(paths.map((path) => this.#disk.remove(path)));
  }

  serving(): Serving {
    const byStage = new Map<string, { job: JobId; stage: number; tasks: Set<number> }>();
    for (const { ref } of this.#outputs.values()) {
      const key = `${ref.job}/${ref.stage}`;
      const entry = byStage.get(key) ?? { job: ref.job, stage: ref.stage, tasks: new Set() };
      entry.tasks.add(ref.task);
      byStage.set(key, entry);
    }
    return [...byStage.values()].map((entry) => ({ ...entry, tasks: [...entry.tasks] }));
  }

  /** Readers that have a file open keep it. */
  async closeJob(job: JobId): Promise<void> {
    for (const [key, { ref }] of this.#outputs) if (ref.job === job) this.#outputs.delete(key);
    if (!this.#jobs.delete(job)) return;
    await this.#disk.remove(`${this.#dir}/${job}`);
  }

  async sweep(): Promise<void> {
    this.#outputs.clear();
    await this.#disk.remove(this.#dir);
    await this.#disk.makeFolder(this.#dir);
  }
}

/** Without its ending. */
export function outputPath(dir: string, { attempt, job, stage, task }: AttemptRef): string {
  return `${dir}/${job}/${stage}/${task}.${attempt}`;
}

function changed(ref: AttemptRef, what: string): ClusterError {
  const text = `the ${what} of ${attemptKey(ref)} is not what the task reported`;
  return new ClusterError("task-crashed", text);
}
