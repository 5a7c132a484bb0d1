/** The format of a result by the name of its file, as other programs that make tables choose it:
 *  `-o x.csv` is CSV. */
import type { BuiltJob } from "../../sdk/bundle.ts";
import type { Job } from "../../sdk/job.ts";
import { destinationOf, formatOfName } from "../result/finish.ts";
import type { RunOptions } from "./plan-options.ts";

/** The job, with the format that `-o` or `--merge` names, unless it has one of its own. */
export function inNamedFormat(built: BuiltJob, options: RunOptions): BuiltJob {
  const { job } = built;
  if (options.detach === true || job.options.output !== undefined) return built;
  const output = formatOfName(destinationOf(options, ""));
  return output === null ? built : { ...built, job: withOutput(job, output) };
}

function withOutput(job: Job, output: "arrow" | "csv" | "parquet"): Job {
  if (job.kind !== "operator") return { ...job, options: { ...job.options, output } } as Job;
  const operator = { ...job.operator, output };
  return { kind: "operator", operator, options: { ...job.options, output } };
}
