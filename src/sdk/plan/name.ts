/** What people see a job called. */
import { basename, dirname, parse } from "node:path";
import type { BuiltJob } from "../bundle.ts";

/** The job's own name, or its file's: `job.ts` is named by its folder. */
export function nameOf({ file, job }: BuiltJob): string {
  const own = job.options.name;
  if (own !== undefined) return own;
  const { name } = parse(file);
  return /^(job|index|main)$/.test(name) ? basename(dirname(file)) || name : name;
}
