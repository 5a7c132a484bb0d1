/** The cluster at a glance, and the card of one worker. */
import { totalmem } from "node:os";
import { may } from "../../../../core/access/roles.ts";
import type { WorkerRecord } from "../../../../core/cluster/state.ts";
import { ClusterError } from "../../../../core/error.ts";
import { idNumber, jobId, type WorkerId } from "../../../../core/ids.ts";
import { workerRecord, workerSummary } from "../../../../core/view.ts";
import { diskSpace } from "../../../../store/disk-space.ts";
import type { ClusterView, WorkerView } from "../../../../wire/api/cluster.ts";
import { type Answer, type Call, json, type Route } from "../route.ts";

const jobsMax = 32;

function cluster({ services }: Call): Answer {
  const { activity, dataDir, loop } = services;
  const { state } = loop;
  const tasks = { waiting: 0, ready: 0, running: 0 };
  for (const number of state.active) {
    for (const { counts } of state.jobs.get(number)?.stages ?? []) {
      tasks.waiting += counts.waiting;
      tasks.ready += counts.ready;
      tasks.running += counts.running;
    }
  }
  const atMs = loop.nowMs();
  const totalBytes = process.constrainedMemory() || totalmem();
  return json({
    atMs,
    jobsRunning: state.active.size,
    tasks,
    activity: activity.shown(atMs),
    disk: diskSpace(dataDir),
    memory: {
      freeBytes: process.availableMemory(),
      totalBytes: Math.min(totalBytes, totalmem()),
    },
  } satisfies ClusterView);
}

function worker(call: Call): Answer {
  const { params, services } = call;
  const { loop } = services;
  const id = params.worker ?? "";
  const isOne = id.startsWith("w-") && !Number.isNaN(idNumber(id));
  const record = isOne ? workerRecord(loop.state, id as WorkerId) : null;
  if (record === null) {
    const text = `there is no worker ${id.slice(0, 40)}; \`tequio workers\` lists them`;
    throw new ClusterError("not-found", text);
  }
  const { engine = "", exchangeUrl, memoryBytes } = record.specs;
  const summary = workerSummary(loop.state, record, loop.nowMs());
  const jobs = jobsOf(call, record);
  const cpuShare = services.edge.cpuShare(summary.worker);
  return json({ summary, engine, cpuShare, memoryBytes, exchangeUrl, jobs } satisfies WorkerView);
}

/** Jobs of others are not named to those who may not read them. */
function jobsOf({ principal, services }: Call, { leases }: WorkerRecord): WorkerView["jobs"] {
  const { state } = services.loop;
  const nowMs = services.loop.nowMs();
  const found = new Map<string, WorkerView["jobs"][number]>();
  for (const { assignedAtMs, job: number, stage } of leases) {
    const job = state.jobs.get(number);
    const kind = job?.stages[stage]?.spec.kind;
    if (job === undefined || kind === undefined) continue;
    if (!may(principal.role, "read-any") && job.owner !== principal.owner) continue;
    const key = `${job.number} ${kind}`;
    const known = found.get(key);
    if (known === undefined && found.size >= jobsMax) continue;
    const forMs = Math.max(known?.forMs ?? 0, nowMs - assignedAtMs);
    const tasks = (known?.tasks ?? 0) + 1;
    found.set(key, { job: jobId(job.number), name: job.spec.name, kind, tasks, forMs });
  }
  return [...found.values()];
}

export const glanceRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/cluster",
    access: ["read-workers"],
    exchange: "→ ClusterView: tasks, their rates over time, memory and disk",
    handle: cluster,
  },
  {
    method: "GET",
    path: "/v1/workers/:worker",
    access: ["read-workers"],
    exchange: "→ WorkerView: one worker, and what it runs",
    handle: worker,
  },
];
