/** What a plan says of an operator, and of any job that reads files: its formats, its partitions. */
import { ClusterError } from "../../core/error.ts";
import type { Plan } from "../../wire/block/plan.ts";
import type { FormatSpec } from "../format.ts";
import type { AnyMapReduce, AnyOperator } from "../job.ts";

/** By the name of the input; undefined = the default. */
export type Formats = { readonly [input: string]: FormatSpec | undefined };

/** Bytes of input for which there is one reduce task, unless the job says how many. */
const bytesPerReducer = 64 * 1024 * 1024;

export function formatsOf(job: AnyMapReduce | AnyOperator): Formats {
  if (job.kind === "operator") return job.operator.inputs;
  const entries = Object.entries(job.inputs).map(([name, { input }]) => [name, input]);
  return Object.fromEntries(entries);
}

/** Number of reduce tasks. `wished` by the submitter or the job. */
export function reducersOf(
  job: AnyMapReduce | AnyOperator,
  wished: number | undefined,
  inputBytes: number,
): number {
  const fitting = Math.min(256, Math.max(1, Math.ceil(inputBytes / bytesPerReducer)));
  if (job.kind !== "operator") return wished ?? fitting;
  const { apply, last } = job.operator;
  const only = last === null ? apply.operator : "what follows an operator";
  if (wished === 0 || (last !== null && (wished ?? 1) !== 1)) {
    const text = `${only} needs ${last === null ? "at least one reducer" : "one reducer"}`;
    throw new ClusterError("bad-request", `${text}, not ${wished}; leave \`reducers\` out`);
  }
  return last === null ? (wished ?? fitting) : 1;
}

export function planOperator({ operator }: AnyOperator): Pick<Plan, "operator"> {
  return { operator };
}
