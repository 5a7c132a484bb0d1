/** The jobs that are open here: their code, plan and items as files, and where their partitions
 *  lie. */
import { mkdirSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ClusterError } from "../../core/error.ts";
import type { JobId } from "../../core/ids.ts";
import type { Plan } from "../../wire/block/plan.ts";
import type { JobOpen, StageSources } from "../../wire/manager/messages.ts";
import type { CoordinatorBlobs } from "./blobs.ts";
import { KeptBlobs } from "./kept.ts";

export type JobFiles = {
  readonly codePath: string;
  readonly planPath: string;
  readonly itemsPath: string | null;
  readonly plan: Plan;
};

export type OpenedJob = {
  readonly open: JobOpen;
  /** By the stage whose partitions they are. */
  readonly sources: Map<number, StageSources>;
  /** Fetched once; a failure is forgotten, so that the next attempt tries again. */
  files(): Promise<JobFiles>;
};

export class OpenJobs {
  readonly #dir: string;
  readonly #blobs: CoordinatorBlobs;
  readonly #kept: KeptBlobs;
  readonly #jobs = new Map<
    string,
    { readonly job: OpenedJob; readonly closing: AbortController }
  >();

  constructor(dir: string, blobs: CoordinatorBlobs) {
    this.#dir = dir;
    this.#blobs = blobs;
    this.#kept = new KeptBlobs(join(dir, "kept"));
  }

  /** May be told twice. The files are fetched at once: the first task follows soon. With another
   *  secret it is another job of that name: of a coordinator that was restored from a backup. */
  open(open: JobOpen): void {
    const known = this.#jobs.get(open.job);
    if (known?.job.open.exchangeSecret === open.exchangeSecret) return;
    known?.closing.abort();
    const closing = new AbortController();
    let files: Promise<JobFiles> | null = null;
    const job: OpenedJob = {
      open,
      sources: new Map(),
      files: () => {
        files ??= this.#fetch(open, closing.signal).catch((error: unknown) => {
          files = null;
          throw error;
        });
        return files;
      },
    };
    this.#jobs.set(open.job, { job, closing });
    job.files().catch(() => {});
  }

  /** All that are open. */
  get names(): JobId[] {
    return [...this.#jobs.keys()] as JobId[];
  }

  get(job: string): OpenedJob | null {
    return this.#jobs.get(job)?.job ?? null;
  }

  async close(job: JobId): Promise<void> {
    this.#jobs.get(job)?.closing.abort();
    this.#jobs.delete(job);
    await rm(join(this.#dir, job), { recursive: true, force: true });
  }

  /** Removes what a former life left. */
  async sweep(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await this.#kept.sweep();
  }

  async #fetch(open: JobOpen, signal: AbortSignal): Promise<JobFiles> {
    const dir = join(this.#dir, open.job);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const codePath = join(dir, "job.mjs");
    const planPath = join(dir, "plan.json");
    const fetch = async (hash: string, path: string) => {
      if (this.#kept.restore(open.owner, hash, path)) return;
      await this.#blobs.fetchTo(hash, path, signal);
      await this.#kept.keep(open.owner, hash, path);
    };
    await Promise.all([fetch(open.codeHash, codePath), fetch(open.planHash, planPath)]);
    const plan = readPlan(readFileSync(planPath, "utf8"), open);
    if (plan.items === null) return { codePath, planPath, itemsPath: null, plan };
    const itemsPath = join(dir, "items.ndjson");
    await fetch(plan.items.hash, itemsPath);
    return { codePath, planPath, itemsPath, plan };
  }
}

function readPlan(text: string, open: JobOpen): Plan {
  const plan = JSON.parse(text) as Plan;
  if (plan.version === 1) return plan;
  throw new ClusterError("version-mismatch", `the plan of ${open.job} is of another version`);
}
