/** Calls for people: attempts, reasons, the caller's own rights, and shared files. */

import { actionsOf } from "../../../../core/access/roles.ts";
import { ClusterError } from "../../../../core/error.ts";
import { idNumber, type WorkerId, workerId } from "../../../../core/ids.ts";
import { offeredFiles, sourcesOf } from "../../../../core/sharing/view.ts";
import type { JobSummary, StageSummary } from "../../../../core/summary.ts";
import { jobSpec, jobState, workerIds, workerSpecs } from "../../../../core/view.ts";
import type { TaskHistory } from "../../../../core/why/history.ts";
import type { Reason, Why } from "../../../../core/why/reasons.ts";
import { whyJob, whyTask, whyWorker } from "../../../../core/why/why.ts";
import { type Attempts, attemptNumbers } from "../../../../wire/api/attempts.ts";
import type { Me, SharedFiles } from "../../../../wire/api/messages.ts";
import { asJobId, noSuchJob, type Services, summaryOf } from "../../../services.ts";
import { type Answer, type Call, json, type Route } from "../route.ts";

/** Of that, in the reasons of one job. */
const onTheWayMax = 3;

function attempts({ services, params, query }: Call): Answer {
  const job = asJobId(params.job);
  const { attempts, loop } = services;
  const known = attempts.attempts(job, wholeNumber(query.after, "after") ?? 0, loop.nowMs());
  if (known !== null) return json({ ...known, slots: slotsOf(services, known) } satisfies Attempts);
  const originMs = summaryOf(services, job).submittedAtMs;
  const nothing = { originMs, partial: true, next: 0, more: false, ended: [], running: [] };
  return json(nothing satisfies Attempts);
}

/** Of every worker in the answer that is still remembered. */
function slotsOf({ loop }: Services, { ended, running }: Attempts): number[] {
  const workers = new Set<number>();
  for (const rows of [ended, running]) {
    for (let at = 3; at < rows.length; at += attemptNumbers) workers.add(rows[at] as number);
  }
  return [...workers].flatMap((worker) => {
    const specs = workerSpecs(loop.state, workerId(worker));
    return specs === null ? [] : [worker, specs.slots];
  });
}

function why({ services, params, query }: Call): Answer {
  const job = asJobId(params.job);
  const { loop } = services;
  const task = wholeNumber(query.task, "task");
  const stage = wholeNumber(query.stage, "stage") ?? 0;
  const reasons =
    task === null
      ? whyJob(loop.state, job, loop.nowMs())
      : whyTask(loop.state, { job, stage, task }, loop.nowMs());
  if (reasons !== null) {
    const runs = jobState(loop.state, job) === "running";
    return json({
      reasons: runs ? [...reasons, ...onTheWay(services).slice(0, onTheWayMax)] : reasons,
    } satisfies Why);
  }
  if (task === null) throw noSuchJob(job);
  throw noSuchTask(summaryOf(services, job), stage, task);
}

/** What is wrong on the way between machines: it makes jobs slow, whatever they wait for now. */
function onTheWay({ edge, loop, relayed }: Call["services"]): Reason[] {
  const narrow = edge.narrowLinks.list(loop.steadyMs());
  const live = new Set(workerIds(loop.state));
  const holders = relayed.holders().filter((worker) => live.has(worker));
  const unreached = holders.flatMap((worker): Reason[] => {
    const of = relayed.of(worker);
    return of === null ? [] : [{ kind: "worker-unreached", worker, ...of }];
  });
  return [...narrow.map((one): Reason => ({ kind: "link-narrow", ...one })), ...unreached];
}

function isOf(reason: Reason, worker: string): boolean {
  if (reason.kind === "link-narrow") return reason.who === worker;
  return reason.kind === "worker-unreached" && reason.worker === worker;
}

/** Names the tasks that there are: nothing lists them. */
function noSuchTask(job: JobSummary, stage: number, task: number): ClusterError {
  const tasksOf = ({ kind, taskCount }: StageSummary, at: number) => {
    const which =
      taskCount === 0 ? "no tasks" : taskCount === 1 ? "task 0" : `tasks 0 to ${taskCount - 1}`;
    return `stage ${at} (${kind}) has ${which}`;
  };
  const there = job.stages.map(tasksOf).join(", ");
  const what = `${job.job} has no task ${task} in stage ${stage}`;
  return new ClusterError("not-found", `${what}: ${there}; choose another task, or --stage`);
}

function history({ services, params, query }: Call): Answer {
  const job = asJobId(params.job);
  summaryOf(services, job);
  const task = wholeNumber(query.task, "task");
  const stage = wholeNumber(query.stage, "stage") ?? 0;
  return json(services.moves.of(job, task === null ? null : { stage, task }) satisfies TaskHistory);
}

function whyOfWorker({ services, params }: Call): Answer {
  const worker = params.worker ?? "";
  const { loop } = services;
  const known = worker.startsWith("w-") && !Number.isNaN(idNumber(worker));
  const reasons = known ? whyWorker(loop.state, worker as WorkerId, loop.nowMs()) : null;
  if (reasons !== null) {
    const own = onTheWay(services).filter((one) => isOf(one, worker));
    return json({ reasons: [...reasons, ...own] } satisfies Why);
  }
  const text = `there is no worker ${worker.slice(0, 40)}; \`tequio workers\` lists them`;
  throw new ClusterError("not-found", text);
}

function spec({ services, params }: Call): Answer {
  const job = asJobId(params.job);
  const known = jobSpec(services.loop.state, job);
  if (known === null) throw noSuchJob(job);
  return json(known);
}

function me({ services, principal }: Call): Answer {
  const { owner, role } = principal;
  const { place, version } = services;
  const { hasOwnCertificate, openUrl } = place;
  const may = actionsOf(role);
  return json({ role, owner, may, version, openUrl, hasOwnCertificate } satisfies Me);
}

const filesMax = 1_000;

function files({ services, query }: Call): Answer {
  const { loop, members } = services;
  const wanted = typeof query.find === "string" ? query.find.toLowerCase() : "";
  const isHere: Parameters<typeof offeredFiles>[1] = (member) => members.isHere(member);
  const found: Array<SharedFiles["files"][number]> = [];
  for (const { name, sizeBytes } of offeredFiles(loop.state, isHere)) {
    if (!name.toLowerCase().includes(wanted)) continue;
    if (found.length >= filesMax) return json({ files: found, more: true } satisfies SharedFiles);
    const holders = sourcesOf(loop.state, { name }, isHere).map(({ owner }) => owner.name);
    found.push({ name, sizeBytes, holders: [...new Set(holders)] });
  }
  return json({ files: found, more: false } satisfies SharedFiles);
}

/** A number of a query; null when it is absent. Throws `bad-request`. */
function wholeNumber(value: unknown, name: string): number | null {
  if (value === undefined || value === "") return null;
  if (/^\d{1,15}$/.test(String(value))) return Number(value);
  throw new ClusterError("bad-request", `?${name}= is a whole number`);
}

export const insightRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/jobs/:job/attempts",
    access: "read",
    exchange: "→ Attempts; `?after=` gives only those that ended since that answer's `next`",
    handle: attempts,
  },
  {
    method: "GET",
    path: "/v1/jobs/:job/why",
    access: "read",
    exchange: "→ Why: a chain of reasons; `?stage=1&task=5` of one task",
    handle: why,
  },
  {
    method: "GET",
    path: "/v1/jobs/:job/history",
    access: "read",
    exchange: "→ TaskHistory: the newest moves of attempts; `?stage=1&task=5` of one task",
    handle: history,
  },
  {
    method: "GET",
    path: "/v1/jobs/:job/spec",
    access: "read",
    exchange: "→ JobSpec, as it was submitted",
    handle: spec,
  },
  {
    method: "GET",
    path: "/v1/workers/:worker/why",
    access: ["read-workers"],
    exchange: "→ Why",
    handle: whyOfWorker,
  },
  {
    method: "GET",
    path: "/v1/me",
    access: "any",
    exchange: "→ Me: role, owner and what it may do",
    handle: me,
  },
  {
    method: "GET",
    path: "/v1/files",
    access: ["fetch-shared"],
    exchange: "→ SharedFiles; `?find=` names that hold this text",
    handle: files,
  },
];
