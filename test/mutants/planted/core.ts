/** Bugs of what the core decides about jobs, leases, workers and snapshots. */
import { type Mutant, planted } from "../mutant.ts";

const committedAnyhow =
  "if ($lease === undefined) { if ($report.kind === 'done') { " +
  "$stage.committed[$report.task] = $report.attempt; " +
  "$stage.outputs[$report.task] = $report.output; } continue; }\n";

export const coreMutants: readonly Mutant[] = [
  planted(
    "an older attempt's deadline ends a newer attempt",
    "endOverdue",
    "$one.attempt === $due.attempt",
    "$one.attempt >= $due.attempt",
  ),
  planted(
    "a worker id of another owner is accepted at join",
    "joinWorker",
    "$known === undefined || $known.owner !== $event.owner",
    "$known === undefined",
  ),
  planted(
    "a returning worker's lost outputs are still counted on",
    "reconcile",
    "loseOutputsOf($state, $worker, $kept);",
    "",
  ),
  planted(
    "attempts that wait behind long ones are left there",
    "startAttempts",
    "takeBackBehind($state, idNumber($event.worker), $effects);",
    "",
  ),
  planted(
    "late report accepted under the lease of another attempt",
    "findLease",
    "$lease.attempt === $by.attempt && $lease.worker === $by.worker",
    "$lease.attempt >= $by.attempt",
  ),
  planted(
    "commit without a lease",
    "reportAttempts",
    "const $lease = findLease($stage, $report.task, $by);\nif ($lease === undefined) continue;",
    `const $lease = findLease($stage, $report.task, $by);\n${committedAnyhow}`,
  ),
  planted(
    "backup committed beside the first attempt",
    "commit",
    "[...($stage.leases.get($task) ?? [])]",
    "[]",
  ),
  planted(
    "reduce before all maps are done",
    "isOpen",
    "$input.counts.done === $input.spec.taskCount",
    "$input.counts.done >= $input.spec.taskCount - 1",
  ),
  planted("lost cancel", "cancelJob", '$job.state === "running"', '$job.state === "cancelled"'),
  planted(
    "attempt numbers begin anew after a restart",
    "loadStage",
    "dense($saved.attempts, $stage.attempts);",
    "",
  ),
  planted(
    "outputs of a lost worker are still counted on",
    "loseWorker",
    "loseOutputsOf($state, $worker, $kept);",
    "",
  ),
  planted(
    "a worker runs on past its lease",
    "relationTime",
    "dropEverything($state, $effects);",
    "",
  ),
  planted(
    "places of partitions are sent once",
    "sendAttempts",
    "$sources.get($stage) !== $version",
    "!$sources.has($stage)",
  ),
  planted(
    "counters counted again with a recomputed output",
    "commit",
    "if ($before === null || $rest) tally($job, $stage, $task, $result);",
    "tally($job, $stage, $task, $result);",
  ),
  {
    ...planted(
      "the queue is not in the snapshot",
      "loadStage",
      "$saved.queues.map((queue) => IntQueue.from(queue))",
      "$saved.queues.map(() => new IntQueue())",
    ),
    // Few tasks are ready for long since small jobs are handed out whole.
    nearest: "a snapshot holds the tasks that are ready, in their order",
  },
  planted("tokens are not in the snapshot", "saveState", "[...$state.tokens.values()]", "[]"),
  planted(
    "idempotency keys are not in the snapshot",
    "loadState",
    "new Map($saved.keys)",
    "new Map()",
  ),
  planted(
    "reports under way are forgotten with the link",
    "disconnected",
    "recallReports($state);",
    "",
  ),
  planted(
    "attempts that never arrived stay leased",
    "reconcile",
    "if (!$holding.has($key)) returnAttempt($state, $lease);",
    "",
  ),
  planted("user errors have no limit", "afterFailure", "$tries >= userErrorMax", "$tries > 200"),
  planted(
    "a task does not come back from its back-off",
    "waitBefore",
    "$stage.backoffs.add($task);",
    "",
  ),
  planted(
    "reduce tasks stay ready while a partition is computed again",
    "loseOutput",
    "closeStage($consumer);",
    "",
  ),
  planted(
    "another body under a taken key is another job",
    "submitJob",
    "$earlier.digest === $event.digest",
    "$earlier.number > 0",
  ),
  planted(
    "a lease ends twice when the loss of a worker ends a job (bug 1 of the track record)",
    "loseWorker",
    "if (!$worker.leases.has($lease)) continue;",
    "",
  ),
  planted(
    "jobs that ended meanwhile are never closed (bug 2 of the track record)",
    "reconcile",
    "closeEnded($state, $worker, $serving, $effects);",
    "",
  ),
  planted(
    "a full disk counts against the task that met it",
    "afterFailure",
    '$failure.code === "storage-full"',
    '$failure.code === "data-lost"',
  ),
  planted(
    "the pause of a worker that met a full disk has no end",
    "pauseAfterFull",
    "$state.deadlines.add($deadline);",
    "",
  ),
  planted(
    "a worker that has room again does not report it",
    "diskChanged",
    'if ($state.relation.state === "joined") $effects.push({ kind: "tell-pause", reason });',
    'if (reason !== "") $effects.push({ kind: "tell-pause", reason });',
  ),
  planted(
    "job weights ignored",
    "weightOf",
    "$weight * priorityFactor[$priority]",
    "priorityFactor[$priority]",
  ),
  {
    ...planted(
      "a worker that gave attempts back stays idle",
      "rest",
      "$state.deadlines.add($deadline);",
      "",
    ),
    // Seldom does nothing else wake it.
    nearest: "a worker that returned all it held is given work again, though nothing else happens",
  },
  planted(
    "a worker whose pause is over is given nothing",
    "resume",
    "if (!$worker.caught) $state.hungry.add($worker.number);",
    "",
  ),
  planted("a paused worker is given tasks", "endLease", "$worker.pause === null", "true"),
];
