/** Jobs over HTTP: submit, list, watch, cancel, remove. */
import { createHash, randomInt } from "node:crypto";
import { may } from "../../../../core/access/roles.ts";
import { ClusterError } from "../../../../core/error.ts";
import type { Hash } from "../../../../core/ids.ts";
import { type JobSpec, jobStates } from "../../../../core/job.ts";
import { type JobFilter, jobPage, removedSummaries } from "../../../../core/view.ts";
import { hit } from "../../../../store/failpoint.ts";
import type { Removed } from "../../../../wire/api/messages.ts";
import { arrivingTasksMax } from "../../../jobs/arrivals.ts";
import { asJobId, summaryOf } from "../../../services.ts";
import { parseSubmit } from "../bodies.ts";
import { forbidden } from "../permission.ts";
import { type Answer, type Call, json, ndjson, type Route } from "../route.ts";
import { watchJob } from "../watch.ts";
import { earlyResults, wholeNumberOf } from "./results.ts";

async function submit({ services, principal, body, query, signal }: Call): Promise<Answer> {
  const { key, spec } = parseSubmit(body);
  services.lowWater.mustBeAbove("a new job");
  if (spec.shuffle === "s3" && services.stored === null) throw noStore();
  // Held before they are checked: a job that is removed now may be the last to name them.
  const hold = (hashes: readonly Hash[]) => services.sweep.hold(hashes);
  const { blobs, isArriving, usesAddresses, usesPaths } = await services.plans.check(
    spec,
    hold,
    query.arriving === "1" && mayArrive(services, spec),
  );
  if (usesPaths && !may(principal.role, "use-local-paths")) {
    throw forbidden(principal, "have files of other machines' disks read; upload them instead");
  }
  if (usesAddresses && !may(principal.role, "use-local-paths")) {
    throw forbidden(principal, "have workers read addresses; fetch the files, and give those");
  }
  // The client then uploads them.
  if (usesPaths) await services.plans.mustLieHere(spec.planHash, services.host);
  // The keys of the parsed body have a fixed order, whatever the submitter's was.
  const digest = createHash("sha256").update(JSON.stringify(spec)).digest("hex");
  const { owner } = principal;
  hit("http.submit", "before");
  const { existed, job } = await services.loop.post({
    kind: "job-submitted",
    owner,
    key,
    digest,
    spec,
    ...(isArriving ? { arriving: true } : {}),
    ...(spec.share === "volunteers" ? { disguise: randomInt(2 ** 47) } : {}),
  });
  hit("http.submit", "after");
  if (isArriving && job !== undefined) await services.arrivals.follow(job);
  services.sweep.submitted(blobs);
  const submitted = existed === undefined ? { job } : { job, existed };
  const waitMs = wholeNumberOf(query.resultsMs);
  if (waitMs === null || job === undefined) return json(submitted);
  const rest = earlyResults(services, { job, waitMs }, signal);
  return { kind: "lines", first: encoder.encode(`${JSON.stringify(submitted)}\n`), rest };
}

function noStore(): ClusterError {
  const text = "this coordinator keeps its blobs in files, so no job can shuffle by S3";
  const way = "leave --shuffle out, or start it with --blobs s3://bucket/prefix";
  return new ClusterError("bad-request", `${text}; ${way}`);
}

/** Another coordinator that takes over has not what has arrived at this one. */
function mayArrive({ standbys }: Call["services"], { stages }: JobSpec): boolean {
  return standbys === null && (stages[0]?.taskCount ?? 0) <= arrivingTasksMax;
}

const encoder = new TextEncoder();

function list({ services, principal, query }: Call): Answer {
  const { loop, progress } = services;
  const filter = filterOf(query, may(principal.role, "read-any") ? {} : principal);
  const limit = numberOf(query.limit, Infinity, "limit");
  const skip = numberOf(query.skip, 0, "skip");
  const { jobs, total } = jobPage(loop.state, loop.nowMs(), { filter, limit, skip });
  const removed = removedSummaries(loop.state, filter.owner ?? null);
  return json({ jobs: jobs.map((summary) => progress.added(summary)), total, removed });
}

function filterOf({ find, state }: Call["query"], { owner }: { owner?: string }): JobFilter {
  const known = jobStates.find((one) => one === state);
  if (state !== undefined && state !== "" && known === undefined) {
    throw new ClusterError("bad-request", `?state= is one of ${jobStates.join(", ")}`);
  }
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(known === undefined ? {} : { state: known }),
    ...(typeof find === "string" ? { find } : {}),
  };
}

function numberOf(value: unknown, byDefault: number, name: string): number {
  if (value === undefined || value === "") return byDefault;
  if (/^\d{1,9}$/.test(String(value))) return Number(value);
  throw new ClusterError("bad-request", `?${name}= is a whole number`);
}

async function cancel({ services, principal, params }: Call): Promise<Answer> {
  const job = asJobId(params.job);
  hit("http.cancel", "before");
  await services.loop.post({ kind: "job-cancelled", job, by: principal.owner });
  hit("http.cancel", "after");
  return json(summaryOf(services, job));
}

async function recheck({ services, principal, params }: Call): Promise<Answer> {
  const earlier = asJobId(params.job);
  services.lowWater.mustBeAbove("a new job");
  const { owner } = principal;
  const digest = createHash("sha256").update(`recheck ${earlier}`).digest("hex");
  const { job } = await services.loop.post({ kind: "job-rechecked", job: earlier, owner, digest });
  return json({ job });
}

async function remove({ services, params }: Call): Promise<Answer> {
  const job = asJobId(params.job);
  hit("http.remove", "before");
  await services.loop.post({ kind: "job-removed", job });
  hit("http.remove", "after");
  // What cannot go now goes with a later sweep.
  const freed = await services.sweep.freedBy(job).catch(() => null);
  return json({
    freedBlobs: freed?.blobs ?? 0,
    freedBytes: freed?.sizeBytes ?? 0,
    ...(freed === null ? {} : { sharedBytes: freed.sharedBytes, laterBytes: freed.laterBytes }),
  } satisfies Removed);
}

function fetched({ services, params }: Call): Answer {
  services.retention.fetched(asJobId(params.job));
  return json({});
}

export const jobRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/jobs",
    access: ["submit"],
    exchange:
      "Submit → Submitted; with `?resultsMs=20000` NDJSON: it, then the results of a `tasks` job " +
      "that ends so soon and has few; with `?arriving=1` its input files may still be on their way",
    handle: submit,
  },
  {
    method: "GET",
    path: "/v1/jobs",
    access: "read",
    exchange:
      "→ { jobs: JobSummary[], total, removed: RemovedSummary[] } newest first; `?state=`, " +
      "`?find=` (part of id, name or owner), `?skip=50&limit=50`",
    handle: list,
  },
  {
    method: "GET",
    path: "/v1/jobs/:job",
    access: "read",
    exchange: "→ JobSummary",
    handle: ({ services, params }) => json(summaryOf(services, asJobId(params.job))),
  },
  {
    method: "GET",
    path: "/v1/jobs/:job/watch",
    access: "read",
    exchange: "→ NDJSON of JobSummary, one at once, then on change (at most 10/s), last when ended",
    handle: ({ services, params, signal }) =>
      ndjson(watchJob(services, asJobId(params.job), signal)),
  },
  {
    method: "POST",
    path: "/v1/jobs/:job/cancel",
    access: "cancel",
    exchange: "{} → JobSummary",
    handle: cancel,
  },
  {
    method: "POST",
    path: "/v1/jobs/:job/recheck",
    access: "cancel",
    exchange: "{} → Submitted: a new job that computes its doubtful tasks again",
    handle: recheck,
  },
  {
    method: "DELETE",
    path: "/v1/jobs/:job",
    access: "cancel",
    exchange: "→ Removed (only an ended job)",
    handle: remove,
  },
  {
    method: "POST",
    path: "/v1/jobs/:job/fetched",
    access: "read",
    exchange: "{} → {}; the caller has the whole result, which need not be kept for it",
    handle: fetched,
  },
];
