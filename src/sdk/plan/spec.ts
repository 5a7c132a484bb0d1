/** The job as it is sent to the coordinator: stages, limits and localities of a planned job. */
import { ClusterError } from "../../core/error.ts";
import {
  defaultLimits,
  type JobSpec,
  type Priority,
  type PythonEngine,
  programKinds,
  type Shuffle,
  type StageSpec,
} from "../../core/job.ts";
import type { Job } from "../job.ts";
import { outputOf, shapeOf } from "../table/shape.ts";
import { checkName, checkNumber } from "./numbers.ts";
import type { PlannedFound } from "./of-found.ts";
import { laterReducers } from "./operator.ts";

/** Who may compute a job, and how results of volunteers are checked; see `JobSpec`. */
export type TrustTerms = Pick<JobSpec, "quorum" | "share" | "trust">;

export type SpecOptions = {
  readonly name: string;
  readonly codeHash: string;
  readonly planHash: string;
  /** Share against other jobs, 1 to 1,000; default 1. */
  readonly weight?: number;
  readonly priority?: Priority;
  /** Browsers that bring code of their own may run it. */
  readonly bareBrowsers?: boolean;
  /** Blob of the WebAssembly module that the job is. */
  readonly moduleHash?: string;
  /** Default: what the job itself says. */
  readonly trust?: TrustTerms;
  /** Of a job in Python: the only engine that may run it. */
  readonly engine?: PythonEngine;
  /** A failed task of a list is left out of the result. */
  readonly keepGoing?: boolean;
  /** Where partitions lie; default: as the coordinator was started. */
  readonly shuffle?: Shuffle;
};

/** Throws `bad-request` naming the limit that a number of the job exceeds. */
export function jobSpecOf(job: Job, planned: PlannedFound, options: SpecOptions): JobSpec {
  const { plan } = planned;
  const { timeoutMs = 0, attempts = defaultLimits.userErrorMax, backupTasks = true } = job.options;
  const shape = shapeOf(job, plan.items?.hash ?? null);
  checkNumber("timeoutMs", timeoutMs, 0, timeoutMaxMs);
  checkNumber("attempts", attempts, 1, 100);
  const { priority = "normal" } = options;
  const weight = checkNumber("weight", options.weight ?? 1, 1, 1000);
  const stage = { inputStage: null, partitionCount: 0, timeoutMs, inputBytes: 0 };
  const stages: StageSpec[] = [];
  if (plan.items !== null) {
    stages.push({ ...stage, kind: "tasks", taskCount: plan.items.count });
  } else {
    const partitionCount = plan.inOneTask === true ? 0 : plan.reducers;
    const { inputBytes } = planned;
    stages.push({
      ...stage,
      kind: "map",
      taskCount: plan.splits.length,
      partitionCount,
      inputBytes,
    });
    const counts = partitionCount === 0 ? [] : [partitionCount, ...laterReducers(plan)];
    for (const [i, taskCount] of counts.entries()) {
      const follows = { partitionCount: counts[i + 1] ?? 0, inputStage: i } as const;
      stages.push({ ...stage, kind: "reduce", taskCount, ...follows });
    }
  }
  return {
    name: checkName(options.name),
    codeHash: options.codeHash,
    planHash: options.planHash,
    stages,
    locality: localityOf(planned),
    limits: { ...defaultLimits, userErrorMax: attempts },
    backupTasks,
    weight,
    // Left out where it says nothing: older coordinators refuse a field that they do not know.
    ...(priority === "normal" ? {} : { priority }),
    ...trustOf(job, options.trust),
    ...(job.options.clock === "real" ? { clock: "real" } : {}),
    ...(job.options.chance === "real" ? { chance: "real" } : {}),
    ...badShareOf(job),
    ...(options.keepGoing === true ? { keepGoing: true } : {}),
    ...(options.shuffle === undefined ? {} : { shuffle: options.shuffle }),
    ...(options.bareBrowsers === true ? { bareBrowsers: true } : {}),
    output: outputOf(job),
    ...(shape === null ? {} : { shape }),
    ...(options.moduleHash === undefined ? {} : { moduleHash: options.moduleHash }),
    ...programOf(job, options.engine),
  };
}

function badShareOf(job: Job): Pick<JobSpec, "badShareMax"> {
  const policy = job.kind === "tasks" ? undefined : job.options.badRecords;
  return typeof policy === "object" ? { badShareMax: policy.keepUpTo } : {};
}

function trustOf(
  { options }: Job,
  terms: TrustTerms = options,
): Pick<JobSpec, "quorum" | "sameEngine" | "share" | "trust"> {
  const { quorum, share, trust } = terms;
  return {
    ...(share === undefined ? {} : { share }),
    ...(trust === undefined ? {} : { trust }),
    ...(quorum === undefined ? {} : { quorum }),
    ...(options.math === "native" ? { sameEngine: true } : {}),
  };
}

/** Throws `bad-request` for an engine that the job cannot have. */
function programOf({ foreign }: Job, engine: PythonEngine | undefined): Partial<JobSpec> {
  if (foreign === undefined) {
    if (engine === undefined) return {};
    throw new ClusterError("bad-request", `${engine} runs jobs in Python, which this one is not`);
  }
  const { program } = foreign;
  if (engine !== undefined && (program.engine ?? engine) !== engine) {
    const text = `the job file says that it runs on ${program.engine} alone`;
    throw new ClusterError("bad-request", `${text}; change \`engine\` or \`exact\` there`);
  }
  return {
    programKind: programKinds.python,
    ...program,
    ...(engine === undefined ? {} : { engine }),
  };
}

/** Longest limit of one attempt: what a timer can hold, about 24 days. */
export const timeoutMaxMs = 2 ** 31 - 1;

function localityOf({ plan }: PlannedFound): JobSpec["locality"] {
  const hosts: string[] = [];
  const taskHost = plan.splits.map((split) => {
    const at = plan.files[split.pieces[0]![0]]!.at;
    if (at.kind === "blob" || at.kind === "remote" || at.host === "") return -1;
    if (!hosts.includes(at.host)) hosts.push(at.host);
    return hosts.indexOf(at.host);
  });
  return hosts.length === 0 ? null : { hosts, taskHost };
}
