/** Which blobs a job names: its code, its module, its plan, its results, and the records it set
 *  aside. Inputs and items are named in the plan only. */
import type { Hash } from "../../ids.ts";
import type { JobRecord } from "../state.ts";

export function visitBlobs(job: JobRecord, visit: (name: Hash) => void): void {
  visit(job.spec.codeHash);
  visit(job.spec.planHash);
  if (job.spec.moduleHash !== undefined) visit(job.spec.moduleHash);
  for (const stage of job.stages) {
    for (const output of stage.outputs) {
      if (output === null) continue;
      if (stage.spec.partitionCount === 0 && output.root !== "") visit(output.root);
      if (output.badRecords !== undefined) visit(output.badRecords);
    }
  }
}
