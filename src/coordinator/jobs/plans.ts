/** Plans of jobs as the coordinator reads them: checked when a job is submitted, kept for the files
 *  that it passes on. */
import { stat } from "node:fs/promises";
import { z } from "zod";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import type { JobSpec } from "../../core/job.ts";
import type { Blobs } from "../../store/blob/blob.ts";
import { readWhole } from "../../store/blob/whole.ts";
import type { InputFile, Plan } from "../../wire/block/plan.ts";
import { filesInColumns } from "../../wire/block/plan-text.ts";
import { browserLimits } from "../../wire/browser/messages.ts";
import { type PlannedInput, plannedInputs, plannedSteps } from "./plan-inputs.ts";

/** The parts of a plan that the coordinator needs. */
export type PlanOutline = {
  readonly files: readonly InputFile[];
  readonly splits: number;
  readonly items: Plan["items"];
  readonly reducers: number;
  readonly inOneTask?: true | undefined;
};

/** For people: what the job reads and, by stage, what an operator does. */
export type ShownPlan = {
  readonly inputs: readonly PlannedInput[];
  readonly steps: readonly (readonly string[])[];
};

/** Basic browsers are sent an address for each input and each result of a task. */
function mustFitBareBrowsers({ bareBrowsers, stages }: JobSpec): void {
  if (bareBrowsers !== true) return;
  const { urlsMax } = browserLimits;
  for (const { inputStage, kind, partitionCount } of stages) {
    const inputs = inputStage === null ? 0 : (stages[inputStage]?.taskCount ?? 0);
    const [count, what] =
      inputs > partitionCount ? [inputs, "map tasks"] : [partitionCount, "reduce tasks"];
    if (count <= urlsMax) continue;
    const text = `each ${kind} task has ${count} ${what}, and basic browsers accept a list`;
    const next = `of ${urlsMax} addresses; use fewer of them, or omit --allow-basic-browsers`;
    throw new ClusterError("limit-exceeded", `${text} ${next}`);
  }
}

/** Plans in memory at once; each may have many files. */
const keptMax = 8;
/** The same of what people see of them, which is small. */
const shownMax = 100;
const addressMaxCharacters = 8192;
export const planMaxBytes = 256 * 1024 * 1024;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const outline = z.object({
  version: z.literal(1),
  files: z.array(
    z.object({
      name: z.string(),
      compression: z.enum(["none", "gzip", "zstd", "parquet", "arrow"]),
      sizeBytes: size,
      at: z.discriminatedUnion("kind", [
        z.object({
          kind: z.literal("path"),
          host: z.string(),
          path: z.string(),
          mtimeMs: z.number(),
        }),
        z.object({ kind: z.literal("blob"), hash }),
        z.object({ kind: z.literal("shared"), root: hash, host: z.string() }),
        z.object({
          kind: z.literal("remote"),
          url: z.string().max(addressMaxCharacters),
          tag: z.string().max(addressMaxCharacters),
        }),
      ]),
    }),
  ),
  splits: z.array(z.unknown()),
  items: z.object({ hash, count: size }).nullable(),
  reducers: size,
  inOneTask: z.literal(true).optional(),
  operator: z.unknown().optional(),
});

type WrittenPlan = z.infer<typeof outline>;

type CheckedPlan = {
  readonly blobs: Hash[];
  readonly isArriving: boolean;
  readonly usesPaths: boolean;
  readonly usesAddresses: boolean;
};

/** Files of one submission that are looked at to see that the submitter is on this machine. */
const provenMax = 16;

export class Plans {
  readonly #blobs: Pick<Blobs, "size" | "read">;
  readonly #kept = new Map<Hash, Promise<PlanOutline>>();
  readonly #shown = new Map<Hash, Promise<ShownPlan>>();

  constructor(blobs: Pick<Blobs, "size" | "read">) {
    this.#blobs = blobs;
  }

  /** Throws `not-found` when there is no such blob, `bad-request` when it is not a plan. */
  read(plan: Hash): Promise<PlanOutline> {
    return once({ kept: this.#kept, max: keptMax }, plan, async () =>
      outlineOf(await this.#read(plan)),
    );
  }

  /** Made once for those who look at the job: every other reader of plans, such as the sweep of
   *  blobs, would count the pieces of all its splits for nothing. Throws as `read` does. */
  shown(plan: Hash): Promise<ShownPlan> {
    return once({ kept: this.#shown, max: shownMax }, plan, async () =>
      shownOf(await this.#read(plan)),
    );
  }

  /** Every blob that a plan names. */
  async blobsOf(plan: Hash): Promise<Hash[]> {
    const { files, items } = await this.read(plan);
    const named = files.flatMap(({ at }) => (at.kind === "blob" ? [at.hash] : []));
    return items === null ? named : [...named, items.hash];
  }

  /** Whether a job can run at all: everything that it names exists, and plan and stages agree.
   *  Returns every blob of the job, and whether it reads files of this machine's disk or of
   *  addresses. `hold` is called with blobs before they are checked. `mayArrive`: input files need
   *  not be there yet; `isArriving` says whether some are not. */
  async check(
    spec: JobSpec,
    hold: (hashes: readonly Hash[]) => Promise<void> = async () => {},
    mayArrive = false,
  ): Promise<CheckedPlan> {
    const modules = spec.moduleHash === undefined ? [] : [spec.moduleHash];
    await hold([spec.codeHash, spec.planHash, ...modules]);
    await Promise.all([
      this.#mustExist(spec.codeHash, "the job's code"),
      this.#mustExist(spec.planHash, "the job's plan"),
      ...modules.map((one) => this.#mustExist(one, "the job's module")),
    ]);
    const plan = await this.read(spec.planHash);
    const expected = plan.items?.count ?? plan.splits;
    const [first, second] = spec.stages;
    const reducers = plan.inOneTask === true ? 0 : plan.reducers;
    if (first?.taskCount !== expected || (second?.taskCount ?? 0) !== reducers) {
      throw new ClusterError(
        "bad-request",
        `the plan has ${expected} tasks and ${reducers} reduce tasks, the stages of the ` +
          `job have ${first?.taskCount} and ${second?.taskCount ?? 0}; submit again`,
      );
    }
    mustFitBareBrowsers(spec);
    const named = await this.blobsOf(spec.planHash);
    await hold(named);
    let isArriving = false;
    for (const one of new Set(named)) {
      if (mayArrive && one !== plan.items?.hash && !(await this.#isHere(one))) isArriving = true;
      else await this.#mustExist(one, "an input of the job");
    }
    const usesPaths = plan.files.some(({ at }) => at.kind === "path");
    const usesAddresses = plan.files.some(({ at }) => at.kind === "remote");
    const blobs = [spec.codeHash, spec.planHash, ...modules, ...named];
    return { blobs, isArriving, usesPaths, usesAddresses };
  }

  /** Files that the plan names on this machine's disk are those that the submitter sees, as far as
   *  the first few show: two machines may have one name. Throws `forbidden`. */
  async mustLieHere(plan: Hash, host: string): Promise<void> {
    const { files } = await this.read(plan);
    const named = files.flatMap(({ at, sizeBytes }) => {
      return at.kind === "path" && at.host === host ? [{ ...at, sizeBytes }] : [];
    });
    for (const { mtimeMs, path, sizeBytes } of named.slice(0, provenMax)) {
      const found = await stat(path).catch(() => null);
      if (found?.size === sizeBytes && found.mtimeMs === mtimeMs) continue;
      const text = `${path} is not here as the submitter sees it; upload it`;
      throw new ClusterError("forbidden", text);
    }
  }

  async #isHere(name: Hash): Promise<boolean> {
    const size = await this.#blobs.size(name).catch((error: unknown) => {
      // It must be sent again, like a missing one.
      if (error instanceof ClusterError && error.code === "data-lost") return null;
      throw error;
    });
    return size !== null;
  }

  async #mustExist(name: Hash, what: string): Promise<void> {
    if (await this.#isHere(name)) return;
    const text = `${what} (blob ${name}) is not here; upload it with POST /v1/blobs, then submit`;
    throw new ClusterError("not-found", text);
  }

  async #read(plan: Hash): Promise<WrittenPlan> {
    const bytes = await readWhole(this.#blobs, plan, planMaxBytes);
    let parsed: unknown;
    try {
      parsed = JSON.parse(bytes.toString("utf8"));
    } catch {
      throw new ClusterError("bad-request", `the plan (blob ${plan}) is not JSON`);
    }
    const files = filesInColumns(parsed);
    const whole = files === null ? parsed : { ...(parsed as object), version: 1, files: [] };
    const checked = outline.safeParse(whole);
    if (checked.success) return { ...checked.data, ...(files === null ? {} : { files }) };
    const issue = checked.error.issues[0];
    const where = issue?.path.join(".");
    throw new ClusterError("bad-request", `the plan (blob ${plan}): ${where}: ${issue?.message}`);
  }
}

function outlineOf({ operator: _, splits, ...plan }: WrittenPlan): PlanOutline {
  return { ...plan, splits: splits.length };
}

function shownOf({ files, inOneTask, operator, splits }: WrittenPlan): ShownPlan {
  const steps = plannedSteps(operator, inOneTask === true);
  return { inputs: plannedInputs(splits, files), steps };
}

type Kept<T> = { readonly kept: Map<Hash, Promise<T>>; readonly max: number };

/** What was made of the plan, or is being made; the oldest is dropped above `max`. */
function once<T>({ kept, max }: Kept<T>, plan: Hash, make: () => Promise<T>): Promise<T> {
  const known = kept.get(plan);
  if (known !== undefined) return known;
  const making = make();
  kept.set(plan, making);
  making.catch(() => kept.delete(plan));
  const [oldest] = kept.keys();
  if (kept.size > max && oldest !== undefined) kept.delete(oldest);
  return making;
}
