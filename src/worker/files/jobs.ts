/** The jobs that are open here: their code, plan and items as files, and where their partitions
 *  lie. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, rm, unlink } from "node:fs/promises";
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
  /** The coordinator's clock, as far as it was told: tickets end by it. */
  coordinatorNowMs(): number;
  /** Fetched once; a failure is forgotten, so that the next attempt tries again. */
  files(): Promise<JobFiles>;
};

export class OpenJobs {
  readonly #dir: string;
  readonly #blobs: CoordinatorBlobs;
  readonly #kept: KeptBlobs;
  readonly #jobs = new Map<
    string,
    { readonly job: OpenedJob; readonly closing: AbortController; aheadMs: number }
  >();

  constructor(dir: string, blobs: CoordinatorBlobs) {
    this.#dir = dir;
    this.#blobs = blobs;
    this.#kept = new KeptBlobs(join(dir, "kept"));
  }

  /** May be told twice. The files are fetched at once: the first task follows soon. With another
   *  key it is another job of that name: of a coordinator that was restored from a backup. */
  open(open: JobOpen): void {
    const aheadMs = open.nowMs - performance.now();
    const known = this.#jobs.get(open.job);
    if (known?.job.open.exchangeKey === open.exchangeKey) {
      known.aheadMs = aheadMs;
      return;
    }
    known?.closing.abort();
    const closing = new AbortController();
    let files: Promise<JobFiles> | null = null;
    const job: OpenedJob = {
      open,
      sources: new Map(),
      coordinatorNowMs: () => performance.now() + entry.aheadMs,
      files: () => {
        files ??= this.#fetch(open, closing.signal).catch((error: unknown) => {
          files = null;
          throw error;
        });
        return files;
      },
    };
    const entry = { job, closing, aheadMs };
    this.#jobs.set(open.job, entry);
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
    const known = this.#jobs.get(job);
    if (known === undefined) return;
    known.closing.abort();
    this.#jobs.delete(job);
    // What is being fetched comes after it, and goes with the others at the next start.
    const { open } = known.job;
    const { codePath, planPath, itemsPath } = this.#paths(open);
    await Promise.all([codePath, planPath, itemsPath].map((path) => unlink(path).catch(() => {})));
  }

  /** Removes what a former life left. */
  async sweep(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await this.#kept.sweep();
  }

  /** No directory for each job: making one and removing it takes longer than a short task. The
   *  key tells jobs of one name apart. */
  #paths({ job, exchangeKey }: JobOpen) {
    const which = createHash("sha256").update(exchangeKey).digest("hex").slice(0, 16);
    const path = (what: string) => join(this.#dir, `${job}-${which}-${what}`);
    return {
      codePath: path("job.mjs"),
      planPath: path("plan.json"),
      itemsPath: path("items.ndjson"),
    };
  }

  async #fetch(open: JobOpen, signal: AbortSignal): Promise<JobFiles> {
    const { codePath, planPath, itemsPath } = this.#paths(open);
    const fetch = async (hash: string, path: string) => {
      if (this.#kept.restore(open.owner, hash, path)) return;
      await this.#blobs.fetchTo(hash, path, signal);
      await this.#kept.keep(open.owner, hash, path);
    };
    await Promise.all([fetch(open.codeHash, codePath), fetch(open.planHash, planPath)]);
    const plan = readPlan(readFileSync(planPath, "utf8"), open);
    if (plan.items === null) return { codePath, planPath, itemsPath: null, plan };
    await fetch(plan.items.hash, itemsPath);
    return { codePath, planPath, itemsPath, plan };
  }
}

function readPlan(text: string, open: JobOpen): Plan {
  const plan = JSON.parse(text) as Plan;
  if (plan.version === 1) return plan;
  throw new ClusterError("version-mismatch", `the plan of ${open.job} is of another version`);
}
