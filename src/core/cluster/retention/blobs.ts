/** Which blobs a job names: its code, its module, its plan, its results (or the pages on which they
 *  lie), the records it set aside, and the profiles of its tasks. Inputs and items are named in the
 *  plan only. */
import type { Hash } from "../../ids.ts";
import type { TaskOutput } from "../../job.ts";
import type { JobRecord, Stage } from "../state.ts";

export function visitBlobs(job: JobRecord, visit: (name: Hash) => void): void {
  visit(job.spec.codeHash);
  visit(job.spec.planHash);
  if (job.spec.moduleHash !== undefined) visit(job.spec.moduleHash);
  for (const { profile } of job.profiles ?? []) visit(profile);
  for (const stage of job.stages) {
    for (const opinions of stage.opinions.open.values()) {
      for (const { output } of opinions) visitOutput(stage, output, visit);
    }
    for (const output of stage.outputs) {
      if (output !== null) visitOutput(stage, output, visit);
    }
  }
}

function visitOutput(
  { spec }: Stage,
  { badRecords, page, root }: TaskOutput,
  visit: (name: Hash) => void,
): void {
  if (page !== undefined) visit(page.blob);
  else if (spec.partitionCount === 0 && root !== "") visit(root);
  if (badRecords !== undefined) visit(badRecords);
}
