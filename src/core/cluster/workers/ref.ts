/** The attempt of a lease, as events and effects name it. */
import { type AttemptRef, jobId } from "../../ids.ts";
import type { Lease } from "../state.ts";

export function refOf(lease: Lease): AttemptRef {
  const { stage, task, attempt } = lease;
  return { job: jobId(lease.job), stage, task, attempt };
}
