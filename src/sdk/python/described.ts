/** A job in Python as all that plans and submits jobs knows it. Apart from who asks Python, since
 *  the web page asks another one. */
import type { ErrorCode } from "../../core/error.ts";
import type { FormatSpec } from "../format.ts";
import type { AnyMapReduce, AnyOperator, AnyTasks, ForeignJob, Job, Params } from "../job.ts";

/** The answer of `python/tequio/_plan/answer.py` about a job file. */
export type Described = {
  readonly kind: "map-reduce" | "tasks";
  readonly inputs: { readonly [input: string]: FormatSpec | null };
  readonly options: Omit<AnyMapReduce["options"], "params">;
  readonly params: Params;
  readonly program: ForeignJob["program"];
  readonly hasCombine: boolean;
};

/** `text.words().count()`: as `src/sdk/operators` makes it. */
export type DescribedOperator = Pick<AnyOperator, "kind" | "operator" | "options">;

export type Problem = {
  readonly code: ErrorCode;
  readonly text: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
};

/** Its functions are in Python: `asked` has what can be asked of them. */
export function jobOf(described: Described, asked: Omit<ForeignJob, "program">): Job {
  const { hasCombine, inputs, kind, params, program } = described;
  const foreign: ForeignJob = { program, ...asked };
  const options = { ...described.options, params };
  if (kind === "tasks") {
    return { kind, foreign, options: { ...options, items: [], run: elsewhere } } as AnyTasks;
  }
  const formats = Object.entries(inputs).map(([name, input]) => [
    name,
    { map: elsewhere, ...(input === null ? {} : { input }) },
  ]);
  const combine = hasCombine ? { combine: elsewhere } : {};
  return {
    kind,
    foreign,
    inputs: Object.fromEntries(formats),
    options: { ...options, ...combine },
  };
}

function elsewhere(): never {
  throw new Error("broken law: functions of a Python job run in Python");
}
