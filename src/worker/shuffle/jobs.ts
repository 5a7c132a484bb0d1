/** The jobs that are open here: their code, plan and items as files, and where their partitions
 *  lie. */
import { createHash } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ClusterError } from "../../core/error.ts";
import type { Hash, JobId } from "../../core/ids.ts";
import type { Plan } from "../../wire/block/plan.ts";
import { planFrom } from "../../wire/block/plan-text.ts";
import type { JobOpen, StageSources } from "../../wire/manager/messages.ts";
import type { ShortFile } from "../process/messages.ts";
import { isLarge, sliced } from "../process/plan-part.ts";
import type { CoordinatorBlobs } from "./blobs.ts";
import { KeptBlobs, type KeptFile } from "./kept.ts";

export type JobFiles = {
  readonly codePath: string;
  /** SHA-256 of what is there. */
  readonly codeHash: Hash;
  /** As task processes read it: of a large plan all but its files and splits. */
  readonly taskPlan: ShortFile;
  readonly itemsFile: ShortFile | null;
  readonly plan: Plan;
};

export type OpenedJob = {
  readonly open: JobOpen;
  /** By the stage whose partitions they are. */
  readonly sources: Map<number, StageSources>;
  /** Stages whose sources this worker asked for, and was not sent since. */
  readonly asked: Set<number>;
  /** The coordinator's clock, as far as the coordinator has sent it: tickets expire by it. */
  coordinatorNowMs(): number;
  /** Fetched once; a failure is forgotten, so that the next attempt tries again. */
  files(): Promise<JobFiles>;
  /** A task process has found one of them damaged: all are fetched anew. */
  refetch(): void;
};

export type BringFiles = (held: HeldFiles, signal: AbortSignal) => Promise<JobFiles>;

export class OpenJobs {
  readonly #dir: string;
  readonly #blobs: CoordinatorBlobs;
  readonly #kept: KeptBlobs;
  readonly #jobs = new Map<
    string,
    {
      readonly job: OpenedJob;
      readonly closing: AbortController;
      readonly held: HeldFiles;
      aheadMs: number;
    }
  >();

  constructor(dir: string, blobs: CoordinatorBlobs) {
    this.#dir = dir;
    this.#blobs = blobs;
    this.#kept = new KeptBlobs(join(dir, "kept"));
  }

  /** May be called twice for a job. The files are fetched at once: the first task follows soon.
   *  With another key it is another job of that name: of a coordinator that was restored from a
   *  backup. `bring` finds files that are not blobs of the coordinator. */
  open(open: JobOpen, bring: BringFiles = (held, signal) => this.#fetch(open, held, signal)): void {
    const aheadMs = open.nowMs - performance.now();
    const known = this.#jobs.get(open.job);
    if (known?.job.open.exchangeKey === open.exchangeKey) {
      known.aheadMs = aheadMs;
      return;
    }
    if (known !== undefined) this.close(open.job);
    const closing = new AbortController();
    const held = new HeldFiles(this.#kept);
    let files: Promise<JobFiles> | null = null;
    const job: OpenedJob = {
      open,
      sources: new Map(),
      asked: new Set(),
      coordinatorNowMs: () => performance.now() + entry.aheadMs,
      files: () => {
        files ??= bring(held, closing.signal).catch((error: unknown) => {
          files = null;
          throw error;
        });
        return files;
      },
      refetch: () => {
        files = null;
        held.spoil();
      },
    };
    const entry = { job, closing, held, aheadMs };
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

  close(job: string): void {
    const known = this.#jobs.get(job);
    if (known === undefined) return;
    known.closing.abort(jobClosed);
    known.held.end();
    this.#jobs.delete(job);
  }

  /** Removes what a former life left. */
  async sweep(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await this.#kept.sweep();
  }

  async #fetch(open: JobOpen, held: HeldFiles, signal: AbortSignal): Promise<JobFiles> {
    const { owner } = open;
    const fetch = (hash: string) =>
      held.file({ owner, hash }, (path) => this.#blobs.fetchTo(hash, path, signal));
    const [code, planAt] = await Promise.all([fetch(open.codeHash), fetch(open.planHash)]);
    const plan = readPlan(planAt.text ?? (await this.#text(planAt, open, held)), open);
    const items = plan.items === null ? null : await fetch(plan.items.hash);
    const itemsFile = items === null ? null : shortFile(items, plan.items!.hash);
    const taskPlan = isLarge(plan) ? sliced(plan) : shortFile(planAt, open.planHash);
    return { codePath: code.path, codeHash: open.codeHash, taskPlan, itemsFile, plan };
  }

  /** Of a plan that was kept for long, perhaps. */
  async #text({ path }: KeptFile, { job, planHash }: JobOpen, held: HeldFiles): Promise<string> {
    const bytes = await readFile(path);
    if (createHash("sha256").update(bytes).digest("hex") === planHash) return bytes.toString();
    held.spoil();
    throw new ClusterError("storage-failed", `the plan of ${job} has changed on this disk`);
  }
}

/** The default reason of an abort has a stack trace, which is expensive to make. */
const jobClosed = new Error("the job is closed");

/** The files of one job, each held once, until the job is closed. */
export class HeldFiles {
  readonly #kept: KeptBlobs;
  readonly #paths = new Set<string>();
  #ended = false;

  constructor(kept: KeptBlobs) {
    this.#kept = kept;
  }

  async file(
    blob: { readonly owner: string; readonly hash: string },
    fetch: (path: string) => Promise<void>,
  ): Promise<KeptFile> {
    const file = await this.#kept.hold(blob, fetch);
    const { path } = file;
    // Code, plan and items may be the same bytes, and after a failure they are asked for again.
    if (this.#ended || this.#paths.has(path)) this.#kept.release(path);
    else this.#paths.add(path);
    return file;
  }

  /** What is here of them is not to be used again. */
  spoil(): void {
    for (const path of this.#paths) this.#kept.spoil(path);
  }

  end(): void {
    this.#ended = true;
    for (const path of this.#paths) this.#kept.release(path);
    this.#paths.clear();
  }
}

/** Short files are handed over as what they say: a second name for the task process, and opening it
 *  there, takes longer. */
function shortFile({ path, text }: KeptFile, hash: Hash): ShortFile {
  return text === null ? { path, hash } : { text };
}

function readPlan(text: string, open: JobOpen): Plan {
  const plan = planFrom(text);
  if (plan.version === 1) return plan;
  throw new ClusterError("version-mismatch", `the plan of ${open.job} is of another version`);
}
