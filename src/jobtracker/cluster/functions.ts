/** A job or a task of the filesystem protocol as a job of the cluster: its code, its plan, and what
 *  is submitted to the coordinator.
 *
 *  The functions file is bytes here. It is imported on workers alone, in their sandbox. */
import { createHash } from "node:crypto";
import { defaultLimits, type JobSpec, programKinds, type StageSpec } from "../../core/job.ts";
import type { Plan } from "../../wire/block/plan.ts";
import { zipOf } from "./zip.ts";

/** How the three functions are called; see python/tequio/_filesystem/forms.py. */
export type Form = "whole_job" | "map_task" | "reduce_task";

export type InputPart = {
  readonly name: string;
  readonly hash: string;
  readonly sizeBytes: number;
};

export type FunctionJob = {
  readonly name: string;
  readonly form: Form;
  readonly functions: Uint8Array;
  /** What `mapper` gets as its key. */
  readonly jobUrl: string;
  /** Of each map task. */
  readonly tasks: ReadonlyArray<readonly InputPart[]>;
  /** 0 = none. */
  readonly reducers: number;
};

export type BuiltFunctions = {
  readonly code: Uint8Array;
  readonly plan: Uint8Array;
  readonly spec: JobSpec;
};

const spillBytes = 64 * 1024 * 1024;

export function buildFunctions(job: FunctionJob): BuiltFunctions {
  const code = codeOf(job);
  const plan = Buffer.from(JSON.stringify(planOf(job)));
  return { code, plan, spec: specOf(job, hashOf(code), hashOf(plan)) };
}

function codeOf({ form, functions }: FunctionJob): Buffer {
  const entry = [
    '"""A job of the filesystem protocol: its functions are in functions.py."""',
    "import functions",
    `from tequio._filesystem.forms import ${form}`,
    "",
    `job = ${form}(functions)`,
    "",
  ];
  const about = { version: 1, engine: "any", entry: "protocol_job", kind: "map-reduce" };
  return zipOf({
    "functions.py": functions,
    "protocol_job.py": Buffer.from(entry.join("\n")),
    "tequio.json": Buffer.from(JSON.stringify({ ...about, requires: [] })),
  });
}

function planOf({ jobUrl, reducers, tasks }: FunctionJob): Plan {
  const files = tasks.flat().map(({ hash, name, sizeBytes }) => {
    const at = { kind: "blob", hash } as const;
    return { name, compression: "none", sizeBytes, at } as const;
  });
  let first = 0;
  const splits = tasks.map((parts) => {
    const pieces = parts.map(({ sizeBytes }, index) => [first + index, 0, sizeBytes] as const);
    first += parts.length;
    return { input: "default", pieces };
  });
  return { version: 1, files, splits, items: null, params: { jobUrl }, reducers, spillBytes };
}

function specOf(job: FunctionJob, codeHash: string, planHash: string): JobSpec {
  const { reducers, tasks } = job;
  const inputBytes = tasks.flat().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const common = { inputStage: null, partitionCount: 0, timeoutMs: 0, inputBytes: 0 };
  const stages: StageSpec[] = [
    { ...common, kind: "map", taskCount: tasks.length, partitionCount: reducers, inputBytes },
  ];
  if (reducers > 0) {
    stages.push({ ...common, kind: "reduce", taskCount: reducers, inputStage: 0 });
  }
  return {
    name: job.name.slice(0, 200),
    codeHash,
    planHash,
    stages,
    locality: null,
    limits: defaultLimits,
    backupTasks: true,
    weight: 1,
    output: "ndjson",
    programKind: programKinds.python,
  };
}

export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
