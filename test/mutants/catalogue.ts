/** Planted bugs: what a mistake in the product would look like, as a change of one place in its
 *  source. When the source changes, the change must be written anew: `find` must occur exactly
 *  once. */
import type { SimOptions } from "../../src/sim/simulate.ts";
import { deposing } from "../simulation/deposing.ts";

export type Change = { readonly file: string; readonly find: string; readonly put: string };
export type Mutant = {
  /** The bug in a few words. */
  readonly name: string;
  readonly changes: readonly Change[];
  /** Faults that it wants more often than they come. */
  readonly rates?: SimOptions["rates"];
};

const one = (name: string, file: string, find: string, put: string): Mutant => ({
  name,
  changes: [{ file, find, put }],
});

export const mutants: readonly Mutant[] = [
  one(
    "answer before the record is durable",
    "coordinator/run.ts",
    "await log.append(records, this.#end.position);",
    "log.append(records, this.#end.position).catch(() => {});",
  ),
  one(
    "acknowledge reports that the disk refused",
    "coordinator/worker-edge.ts",
    "durable.every(Boolean)",
    "durable.length >= 0",
  ),
  one(
    "late report accepted under the lease of another attempt",
    "core/cluster/leases.ts",
    "lease.attempt === by.attempt && lease.worker === by.worker",
    "lease.attempt >= by.attempt",
  ),
  one(
    "commit without a lease",
    "core/cluster/reports.ts",
    "if (lease === undefined) continue;\n    endLease(state, lease);",
    "if (lease === undefined) { if (report.kind === 'done') { " +
      "stage.committed[report.task] = report.attempt; " +
      "stage.outputs[report.task] = report.output; " +
      "} continue; }\n    endLease(state, lease);",
  ),
  one(
    "backup committed beside the first attempt",
    "core/cluster/reports.ts",
    "for (const other of [...(stage.leases.get(task) ?? [])])",
    "for (const other of [] as Lease[])",
  ),
  one(
    "reduce before all maps are done",
    "core/cluster/shuffle.ts",
    "return input === null || input.counts.done === input.spec.taskCount;",
    "return input === null || input.counts.done >= input.spec.taskCount - 1;",
  ),
  one(
    "lost cancel",
    "core/cluster/jobs.ts",
    'if (job.state === "running") endJob(state, job, { state: "cancelled"',
    'if (job.state === "cancelled") endJob(state, job, { state: "cancelled"',
  ),
  one(
    "attempt numbers begin anew after a restart",
    "core/cluster/snapshot.ts",
    "  dense(saved.attempts, empty.attempts);\n",
    "",
  ),
  one(
    "outputs of a lost worker are still counted on",
    "core/cluster/workers.ts",
    "  loseOutputsOf(state, worker.number, () => false);\n",
    "",
  ),
  one(
    "silent workers are never given up",
    "coordinator/liveness.ts",
    "if (watched.told || atMs < watched.deadlineMs) continue;",
    'if (watched.told || atMs < watched.deadlineMs || watched.reason === "silent") continue;',
  ),
  one(
    "workers are given up before their lease has ended",
    "coordinator/liveness.ts",
    "watched.deadlineMs = atMs + this.#options.leaseMs;\n  }\n\n  /** Its link",
    "watched.deadlineMs = atMs + this.#options.heartbeatMs;\n  }\n\n  /** Its link",
  ),
  one(
    "a worker runs on past its lease",
    "core/worker/relation.ts",
    "    relation.leaseUntilMs = Infinity;\n    dropEverything(state, effects);\n",
    "    relation.leaseUntilMs = Infinity;\n",
  ),
  one(
    "places of partitions are told once",
    "core/cluster/placement.ts",
    "if (to.worker.sources.get(told) !== version) {",
    "if (!to.worker.sources.has(told)) {",
  ),
  one(
    "counters counted again with a recomputed output",
    "core/cluster/reports.ts",
    "if (before === null) tally(job, stage, report);",
    "tally(job, stage, report);",
  ),
  one(
    "the queue is not in the snapshot",
    "core/cluster/snapshot.ts",
    "    queues: saved.queues.map((queue) => IntQueue.from(queue)),\n",
    "",
  ),
  one(
    "tokens are not in the snapshot",
    "core/cluster/snapshot.ts",
    "tokens: [...state.tokens.values()],",
    "tokens: [],",
  ),
  one(
    "idempotency keys are not in the snapshot",
    "core/cluster/snapshot.ts",
    "keys: new Map(saved.keys),",
    "keys: new Map(),",
  ),
  one(
    "the snapshot says that it is older than it is",
    "coordinator/run.ts",
    "await log.saveSnapshot(this.#end.position, snapshot);",
    "await log.saveSnapshot(this.#end.position - 1, snapshot);",
  ),
  one(
    "timers are not armed after a restart",
    "coordinator/run.ts",
    "    this.#arm(0);\n    await this.#snapshot();",
    "    if (this.#end.epoch === 1) this.#arm(0);\n    await this.#snapshot();",
  ),
  one(
    "the clock follows the wall clock",
    "coordinator/timers.ts",
    "Math.max(Math.ceil(lastAtMs), Math.floor(timers.wallMs()))",
    "Math.floor(timers.wallMs())",
  ),
  one(
    "reports under way are forgotten with the link",
    "core/worker/relation.ts",
    "  recallReports(state);\n",
    "",
  ),
  one(
    "attempts that never arrived stay leased",
    "core/cluster/workers.ts",
    "if (!holding.has(key)) giveBack(state, lease);",
    "",
  ),
  {
    name: "the log takes records of a deposed coordinator",
    changes: [
      {
        file: "store/log/memory.ts",
        find: "if (contents.generation !== generation) throw",
        put: "if (contents.generation < 0) throw",
      },
      {
        file: "store/log/memory.ts",
        find: "if (after !== last()) throw",
        put: "if (after < 0) throw",
      },
    ],
  },
  one(
    "blobs of jobs are swept",
    "coordinator/jobs/blob-sweep.ts",
    "if (kept.has(hash) || this.#touched.has(hash)) continue;",
    "if (this.#touched.has(hash)) continue;",
  ),
  one(
    "user errors have no limit",
    "core/cluster/retry.ts",
    "if (tries >= userErrorMax) {",
    "if (tries > 200) {",
  ),
  one(
    "a task does not come back from its back-off",
    "core/cluster/retry.ts",
    "  stage.backoffs.add(retry.task);\n",
    "",
  ),
  one(
    "reduce tasks stay ready while a partition is computed again",
    "core/cluster/shuffle.ts",
    "  closeStage(consumer);\n",
    "",
  ),
  one(
    "another body under a taken key is another job",
    "core/cluster/jobs.ts",
    "if (earlier.digest === event.digest) {",
    "if (earlier.number > 0) {",
  ),
  one(
    "a lease ends twice when the loss of a worker ends a job (bug 1 of the track record)",
    "core/cluster/workers.ts",
    "    if (!worker.leases.has(lease)) continue;\n",
    "",
  ),
  one(
    "jobs that ended meanwhile are never closed (bug 2 of the track record)",
    "core/cluster/workers.ts",
    "  closeEnded(state, worker, serving, effects);\n",
    "",
  ),
  one(
    "a deposed coordinator keeps its workers (bug 3 of the track record)",
    "coordinator/worker-edge.ts",
    'this.#sure ??= this.#posted({ kind: "time-passed" }).finally(() => {',
    "this.#sure ??= Promise.resolve(true).finally(() => {",
  ),
  one(
    "a clone takes the place of a worker that lives",
    "coordinator/worker-edge.ts",
    "if (other.process !== link.process && nowMs - other.heardAtMs < quietMs) {",
    'if (other.process === "" && nowMs - other.heardAtMs < quietMs) {',
  ),
  one(
    "a late join closes the link that took its place (bug 8 of the track record)",
    "coordinator/worker-edge.ts",
    'if (link.phase === "closed" && other !== undefined && other !== link) return;',
    "",
  ),
  {
    ...one(
      "a deposed coordinator renews leases (bug 9 of the track record)",
      "coordinator/worker-edge.ts",
      "if (isOurs === true) answer();",
      "if (this !== null) answer();",
    ),
    rates: deposing,
  },
  one(
    "a tab's finish is acknowledged before it is durable",
    "coordinator/tracker/reports.ts",
    "await loop.post(await checked(event));",
    "loop.post(await checked(event)).catch(() => {});",
  ),
  one(
    "outputs of a tab go with the tab",
    "core/cluster/reports.ts",
    '.specs.exchangeUrl === "" ? RELAY : lease.worker',
    '.specs.exchangeUrl === "" ? lease.worker : lease.worker',
  ),
  one(
    "what the relay has lost is not computed again",
    "core/cluster/reports.ts",
    "if (input === undefined || input.state[task] !== DONE) continue;",
    "if (input?.state[task] !== DONE || input.holder[task] === RELAY) continue;",
  ),
  one(
    "a gateway does not say that a tab is gone",
    "gateway/switchboard.ts",
    '    this.#toTracker({ action: "disconnect", uid: tab.uid });\n',
    "",
  ),
  one(
    "a tracker that comes back is told of a busy browser (bug 14 of the track record)",
    "gateway/switchboard.ts",
    "tab.isStale ||= tab.more === null && isBusy(tab);",
    "tab.isStale ||= tab.more === null && tab.tasks.size < 0;",
  ),
  one(
    "a tab that cannot be taken now gives up (bug 12 of the track record)",
    "worker/browser/tab/session.ts",
    "    if (isRetryable(why)) {",
    '    if (why === "") {',
  ),
  one(
    "a partition that a browser of the document cannot have is its own fault (bug 17)",
    "coordinator/tracker/reports.ts",
    "else if (run.missed.size === 0)",
    "else if (run.missed.size >= 0)",
  ),
  one(
    "a gateway that is silent is never given up",
    "coordinator/tracker/tracker-edge.ts",
    "if (nowMs - heardAtMs < this.#gatewayTtlMs) return",
    "if (nowMs - heardAtMs < this.#gatewayTtlMs * 1e9) return",
  ),
  one(
    "a relayed output is acknowledged before it is on the disk",
    "coordinator/relay/kept-outputs.ts",
    "await writing.written;",
    "writing.written.catch(() => {});",
  ),
  one(
    "relayed outputs are cleaned up while a reduce still needs them",
    "coordinator/relay/kept-outputs.ts",
    'if (state === "running") return;',
    'if (state === "failed") return;',
  ),
  one(
    "the end of job 1 takes the relayed outputs of job 10 along",
    "coordinator/relay/kept-outputs.ts",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a piece of the source.
    "key.startsWith(`${job}/`)",
    "key.startsWith(job)",
  ),
  one(
    "a start drops the relayed outputs of jobs that run",
    "coordinator/relay/kept-outputs.ts",
    "if (!running(job)) await",
    "if (running(job)) await",
  ),
  one(
    "a full disk counts against the task that met it",
    "core/cluster/retry.ts",
    'if (failure.code === "storage-full") {',
    'if (failure.code === "data-lost") {',
  ),
  one(
    "the pause of a worker that met a full disk has no end",
    "core/cluster/workers/pauses.ts",
    '  state.deadlines.add({ kind: "pause", atMs: untilMs, worker: worker.number });\n',
    "",
  ),
  one(
    "a worker that has room again does not say so",
    "core/worker.ts",
    'if (state.relation.state === "joined") effects.push({ kind: "tell-pause", reason });',
    'if (reason !== "") effects.push({ kind: "tell-pause", reason });',
  ),
  one(
    "a paused worker is given tasks",
    "core/cluster/leases.ts",
    "if (worker?.live === true && worker.pause === null) state.hungry",
    "if (worker?.live === true) state.hungry",
  ),
];
