/** Map outputs that this worker keeps for others:
 *  `<dir>/<job>/<stage>/<task>.<attempt>.{run,manifest}`.
 *
 *  1. An output is there once both files lie in their place; its manifest has the root that was
 *     reported.
 *  2. They are removed with their job. What a former life left is swept at the start. */
import { createHash } from "node:crypto";
import { lstat, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ClusterError } from "../../core/error.ts";
import { type AttemptRef, attemptKey, type Hash, type JobId } from "../../core/ids.ts";
import { hit } from "../../store/failpoint.ts";
import { decodeManifest, type Manifest, manifestMaxBytes } from "../../wire/block/manifest.ts";
import type { Serving } from "../executor.ts";
import { openOutput } from "./open-output.ts";
import { diskError } from "./store-file.ts";

export type Output = {
  readonly ref: AttemptRef;
  readonly root: Hash;
  readonly runPath: string;
  readonly manifestPath: string;
  readonly manifest: Manifest;
};

export class Outputs {
  readonly #dir: string;
  readonly #outputs = new Map<string, Output>();
  /** Those that have a directory here. */
  readonly #jobs = new Set<JobId>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  get dir(): string {
    return this.#dir;
  }

  /** Takes `<out>.run` and `<out>.manifest` from a task process. Throws `task-crashed` when they
   *  are not what it reported, `storage-full`. */
  async keep(ref: AttemptRef, out: string, root: Hash): Promise<Output> {
    try {
      const bytes = await readManifest(`${out}.manifest`);
      if (createHash("sha256").update(bytes).digest("hex") !== root) throw changed(ref, "manifest");
      const manifest = decodeManifest(bytes);
      const run = await openOutput(`${out}.run`);
      const stats = await run.stat().finally(() => run.close());
      if (stats.size !== manifest.sizeBytes) throw changed(ref, "run");
      const dir = join(this.#dir, ref.job, String(ref.stage));
      this.#jobs.add(ref.job);
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const base = join(dir, `${ref.task}.${ref.attempt}`);
      const output = {
        ref,
        root,
        runPath: `${base}.run`,
        manifestPath: `${base}.manifest`,
        manifest,
      };
      hit("output.run", "before");
      await rename(`${out}.run`, output.runPath);
      hit("output.run", "after");
      // What has the name now, not what had it a moment ago: job code could have made it a link.
      const { dev, ino } = await lstat(output.runPath);
      if (dev !== stats.dev || ino !== stats.ino) {
        await rm(output.runPath, { force: true });
        throw changed(ref, "run");
      }
      hit("output.manifest", "before");
      await rename(`${out}.manifest`, output.manifestPath);
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
    await Promise.all(paths.map((path) => rm(path, { force: true })));
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
    await rm(join(this.#dir, job), { recursive: true, force: true });
  }

  async sweep(): Promise<void> {
    this.#outputs.clear();
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
  }
}

async function readManifest(path: string): Promise<Buffer> {
  const handle = await openOutput(path);
  try {
    const { size } = await handle.stat();
    if (size > manifestMaxBytes) {
      throw new ClusterError("limit-exceeded", `a manifest has ${size} bytes`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function changed(ref: AttemptRef, what: string): ClusterError {
  const text = `the ${what} of ${attemptKey(ref)} is not what the task reported`;
  return new ClusterError("task-crashed", text);
}
