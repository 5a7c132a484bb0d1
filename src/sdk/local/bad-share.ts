/** Bad records as the judge counts them, beside all lines: the job fails when they are too many. */
import { badCounter, linesCounter, tooManyBad } from "../../core/bad-share.ts";
import { ClusterError } from "../../core/error.ts";
import { keepsBad } from "../../wire/block/plan.ts";
import type { AnyMapReduce, AnyOperator, Job } from "../job.ts";
import type { JobResult } from "../job-result.ts";
import type { PlannedFound } from "../plan/of-found.ts";
import { formatsOf } from "../plan/operator.ts";
import { linesIn } from "./records.ts";

type Counted = {
  readonly result: JobResult;
  readonly counters: Readonly<Record<string, number>>;
};

/** With the counters of bad records. Throws when they are more than the job allows. */
export async function counted<Run extends Counted>(
  job: Job,
  planned: PlannedFound,
  run: Run,
): Promise<Run> {
  const policy = job.kind === "tasks" ? "fail" : (job.options.badRecords ?? "fail");
  if (!keepsBad(policy)) return run;
  let bad = 0;
  for (const part of run.result.badRecords) {
    for await (const chunk of part.read())
      bad += Buffer.from(chunk).toString().split("\n").length - 1;
  }
  const counters = { ...run.counters, ...(bad === 0 ? {} : { [badCounter]: bad }) };
  if (typeof policy !== "object") return { ...run, counters };
  const lines = { ...counters, [linesCounter]: inputLines(job as AnyMapReduce, planned) };
  const problem = tooManyBad(lines, policy.keepUpTo);
  if (problem !== null) throw new ClusterError(problem.code, problem.message);
  return { ...run, counters: lines };
}

function inputLines(job: AnyMapReduce | AnyOperator, { plan, uploads }: PlannedFound): number {
  const formats = formatsOf(job);
  let lines = 0;
  for (const { input, pieces } of plan.splits) {
    for (const piece of pieces) {
      const file = plan.files[piece[0]]!;
      lines += linesIn(file, piece, formats[input] ?? { format: "lines" }, uploads);
    }
  }
  return lines;
}
