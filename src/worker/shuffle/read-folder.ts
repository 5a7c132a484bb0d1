/** Names in the one folder that a task process may read. */
import type { AttemptRef, Hash } from "../../core/ids.ts";
import { attemptName } from "./attempt-name.ts";

/** One ES module, the zip of a Python job, or a WebAssembly module of an existing manager. */
export const codeNames = { javascript: "job.mjs", python: "job.zip", module: "job.wasm" } as const;
const ofCode: readonly string[] = Object.values(codeNames);

/** A map output, named by all that makes it this one: processes go from job to job. */
export function linkName(ref: AttemptRef, root: Hash): string {
  return `${attemptName(ref)}.${root}.run`;
}

/** What goes when the process goes to another job: all but the code, which both share. */
export function ofOneJob(names: readonly string[]): string[] {
  return names.filter((name) => !ofCode.includes(name));
}
