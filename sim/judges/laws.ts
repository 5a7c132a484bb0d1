/** The laws that the judges of a simulated world check. Each reports how often it was *exercised*:
 *  checked in a state in which it could have been broken. A law that is never exercised proves
 *  nothing. */
import type { CoordinatorState } from "../../src/core/cluster/state.ts";

export const simulatedLaws = [
  "I1: an acknowledged job stays",
  "I2: one job for each key, however often it is submitted",
  "I2: another body under a taken key is refused",
  "I3: a final output never changes",
  "I4: nothing is committed without a lease",
  "I5: an attempt runs in one process only",
  "I6: a task has at most one backup beside its attempt",
  "I7: an ended job stays as it ended",
  "I7: a job whose cancel is acknowledged has ended",
  "I7: no task of an ended job begins",
  "I8: a task waits for its input, a back-off or a slot",
  "I8: at rest no worker holds an attempt",
  "I9: a reduce begins when its input is there",
  "I9: the holder of an output that is still read is live",
  "I9: what a returning worker does not serve is lost",
  "I9: relayed outputs stay while their job runs",
  "I9: the relay serves what it has",
  "I10: an ended job holds no lease",
  "I10: a removed job is gone",
  "I14: no worker is admitted as another owner's",
  "I14: no worker is admitted without its credential",
  "I15: errors of job code are limited",
  "I16: leases and slots are counted once",
  "I18: a paused worker is not hungry, a lost one holds no lease",
  "I18: at rest the live workers are the connected members",
  "I19: replay equals live",
  "I20: at rest nothing is kept of a removed job",
  "I21: no deadline is overdue",
  "I21: no job fails without a reason",
  "I21: every job ends when the faults are over",
  "I23: results equal the judge",
  "I24: an attempt is charged by weight and priority",
  "I25: no slot is free beside a ready task for 5 s",
  "I23: counters equal the judge",
  "I26: nothing waits behind what runs on",
  "B: a tab's end is durable before it is acknowledged",
  "B1: an output in the relay outlives its worker",
  "B2: an output that is handed over outlives its worker",
  "C1: what is committed from the relay has been on its disk",
  "C4: a full disk counts against no task",
  "C4: a paused worker is assigned nothing",
  "C4: a worker with a full disk begins nothing",
  "C9: time never goes back",
  "W2: a worker gives itself up before the coordinator does",
  "W6: only a silent process is replaced",
  "W6: a worker is rejected only with a reason",
  "W6: an issued credential stays known",
  "W8: an attempt has all of its time",
  "X1: a name in a read folder is of one output",
  "X1: a task process reads files of its job only",
  "X2: a reduce task uses what the root names",
] as const;

export type Law = (typeof simulatedLaws)[number];
export type Exercised = (law: Law) => void;

/** Counts the laws about the whole state that could be broken in this state. */
export function exerciseState(state: CoordinatorState, exercised: Exercised): void {
  let [hasBackup, hasEnded, hasErrors, hasFinal, hasWaiting, leases] = [
    false,
    false,
    false,
    false,
    false,
    0,
  ];
  for (const job of state.jobs.values()) {
    if (job.state !== "running") {
      hasEnded = true;
      continue;
    }
    leases += job.running;
    let running = 0;
    for (const { backoffs, counts, spec, tally } of job.stages) {
      running += counts.running;
      hasFinal ||= spec.partitionCount === 0 && counts.done > 0;
      hasWaiting ||= counts.ready > 0 || backoffs.size > 0;
      hasErrors ||= tally.attemptsFailed > 0;
    }
    hasBackup ||= job.running > running;
  }
  if (hasBackup) exercised("I6: a task has at most one backup beside its attempt");
  if (hasEnded) exercised("I7: an ended job stays as it ended");
  if (hasEnded) exercised("I10: an ended job holds no lease");
  if (hasErrors) exercised("I15: errors of job code are limited");
  if (hasFinal) exercised("I3: a final output never changes");
  if (hasWaiting) exercised("I8: a task waits for its input, a back-off or a slot");
  if (leases > 0) exercised("I16: leases and slots are counted once");
  for (const { live, pause } of state.workers.values()) {
    if (live && pause === null) continue;
    exercised("I18: a paused worker is not hungry, a lost one holds no lease");
    return;
  }
}
