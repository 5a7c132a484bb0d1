/** Profiles of tasks that are kept with their job, and the job as a graph: what its page draws. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../../../core/error.ts";
import { programKinds } from "../../../../core/job.ts";
import { jobProfiles, jobSpec } from "../../../../core/view.ts";
import type { GraphNode, JobGraph } from "../../../../wire/api/graph.ts";
import { type ProfileKept, type Profiles, profileLimits } from "../../../../wire/api/profile.ts";
import { asJobId, noSuchJob, type Services } from "../../../services.ts";
import { parseProfile } from "../bodies.ts";
import { type Answer, type Call, json, type Route } from "../route.ts";

async function keep({ services, principal, params, body }: Call): Promise<Answer> {
  const job = asJobId(params.job);
  const profile = parseProfile(body);
  const bytes = new TextEncoder().encode(JSON.stringify(profile));
  if (bytes.length > profileLimits.bytes) {
    const text = `the profile has ${bytes.length} bytes, at most ${profileLimits.bytes} are kept`;
    throw new ClusterError("limit-exceeded", `${text}; leave out what takes the least time`);
  }
  services.lowWater.mustBeAbove("a profile");
  const hash = createHash("sha256").update(bytes).digest("hex");
  // No sweep between the blob and the event that names it.
  await services.sweep.hold([hash]);
  await services.blobs.put(only(bytes), { expect: hash });
  const { stage, task } = profile;
  const by = principal.owner;
  await services.loop.post({ kind: "profile-kept", job, stage, task, profile: hash, by });
  services.sweep.submitted([hash]);
  return json({ job, hash } satisfies ProfileKept);
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

function list({ services, params }: Call): Answer {
  const job = asJobId(params.job);
  const kept = jobProfiles(services.loop.state, job);
  if (kept === null) throw noSuchJob(job);
  const profiles = kept.map(({ profile, ...one }) => ({ ...one, hash: profile }));
  return json({ profiles } satisfies Profiles);
}

async function graph({ services, params }: Call): Promise<Answer> {
  const job = asJobId(params.job);
  const spec = jobSpec(services.loop.state, job);
  if (spec === null) throw noSuchJob(job);
  const { inputs, steps } = await planned(services, spec.planHash);
  const inputNodes = inputs.map((input, at): GraphNode => {
    const name = inputs.length === 1 && input.name === "default" ? "" : input.name;
    return { id: `input-${at}`, kind: "input", reads: [], ...input, name };
  });
  const stageNodes = spec.stages.map(({ inputStage }, stage): GraphNode => {
    const reads = inputStage === null ? inputNodes.map(({ id }) => id) : [`stage-${inputStage}`];
    return { id: `stage-${stage}`, kind: "stage", reads, stage, steps: steps[stage] ?? [] };
  });
  const last = stageNodes.at(-1);
  const result: GraphNode = { id: "result", kind: "result", reads: last ? [last.id] : [] };
  const { programKind = programKinds.javascript } = spec;
  const canReplay = programKind === programKinds.javascript && steps.length === 0;
  return json({ nodes: [...inputNodes, ...stageNodes, result], canReplay } satisfies JobGraph);
}

/** A plan that is damaged leaves its job a graph of stages. */
async function planned({ plans }: Services, plan: string) {
  return plans.shown(plan).catch((error: unknown) => {
    if (error instanceof ClusterError) return { inputs: [], steps: [] };
    throw error;
  });
}

export const profileRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/jobs/:job/profiles",
    access: "cancel",
    exchange:
      `TaskProfile → ProfileKept; at most ${profileLimits.bytes / 1024} KiB and ` +
      `${profileLimits.frames.toLocaleString("en")} frames, kept with the job`,
    handle: keep,
  },
  {
    method: "GET",
    path: "/v1/jobs/:job/profiles",
    access: "read",
    exchange: "→ Profiles: tasks with the blob of each",
    handle: list,
  },
  {
    method: "GET",
    path: "/v1/jobs/:job/graph",
    access: "read",
    exchange: "→ JobGraph: inputs, stages and what an operator does in each, result",
    handle: graph,
  },
];
