/** Where the partitions of a stage lie; partitions that the coordinator keeps, and uploads of them
 *  by workers that are unreachable, or leave. */
import { ClusterError } from "../../../../core/error.ts";
import type { AttemptRef, JobId } from "../../../../core/ids.ts";
import { isLeasedTo, jobSpec, leasesOf, stageSource, workerSpecs } from "../../../../core/view.ts";
import { dial } from "../../../../link/grpc/dial.ts";
import { refuserFor } from "../../../../peer/addresses.ts";
import type { NeededOutputs, Reached } from "../../../../wire/api/messages.ts";
import { type ExchangeAddress, parseExchange } from "../../../../wire/p4/shuffle.ts";
import { storedOutput } from "../../../compare/partitions.ts";
import { goneOutput, workerOutput } from "../../../compare/worker-output.ts";
import { asJobId } from "../../../services.ts";
import { sourcesFor } from "../../worker/orders.ts";
import { forbidden } from "../permission.ts";
import { bytesAnswer } from "../ranges.ts";
import { type Answer, type Call, json, type Route } from "../route.ts";
import { type Chunks, moving, tabOf } from "./blobs.ts";

/** How long a worker is dialled before it counts as unreachable, ms. */
const reachMs = 3_000;

export function refOf({ params }: Call): AttemptRef {
  const [stage, task, attempt] = [params.stage, params.task, params.attempt].map((text) =>
    /^\d{1,10}$/.test(text ?? "") ? Number(text) : -1,
  ) as [number, number, number];
  return { job: asJobId(params.job), stage, task, attempt };
}

/** The attempts of the caller that read the outputs of this stage. */
export function readers({ principal, services }: Call, job: JobId, stage: number): AttemptRef[] {
  const { state } = services.loop;
  const stages = jobSpec(state, job)?.stages ?? [];
  return leasesOf(state, principal.worker ?? "w-0").filter(
    (one) => one.job === job && stages[one.stage]?.inputStage === stage,
  );
}

export function notReading(stage: number): ClusterError {
  const text = `this worker has no attempt that reads this of stage ${stage}`;
  return new ClusterError("not-found", text);
}

function sources(call: Call): Answer {
  const { params, principal, services } = call;
  const [job, stage] = [
    asJobId(params.job),
    /^\d{1,4}$/.test(params.stage!) ? Number(params.stage) : -1,
  ];
  if (readers(call, job, stage).length === 0) throw notReading(stage);
  const { keys, loop } = services;
  const to = { worker: principal.worker!, job, stage };
  return json(sourcesFor(loop.state, to, { keys, nowMs: loop.steadyMs() }));
}

async function reach({ principal, services }: Call): Promise<Answer> {
  if (principal.role === "volunteer") throw forbidden(principal, "have an address dialled");
  const specs = workerSpecs(services.loop.state, principal.worker ?? "w-0");
  const place = parseExchange(specs?.exchangeUrl ?? "");
  return json({ isReached: place !== null && (await answers(place)) } satisfies Reached);
}

async function answers(place: ExchangeAddress): Promise<boolean> {
  try {
    (await dial({ ...place, refuse: refuserFor("machine"), limitMs: reachMs })).destroy();
    return true;
  } catch {
    return false;
  }
}

function get(call: Call): Answer {
  const { params, services } = call;
  const ref = refOf(call);
  const { what } = params;
  const at = /^\d{1,6}$/.test(what ?? "") ? Number(what) : -1;
  const isWanted = ({ task }: AttemptRef) => what === "manifest" || task === at;
  if (!readers(call, ref.job, ref.stage).some(isWanted)) throw notReading(ref.stage);
  const output = services.relay.get(ref);
  const partition = output?.manifest.at(at);
  if (output !== null && what === "manifest") return stream(services.relay.readManifest(output));
  if (output === null) return fromHolder(call, ref, what === "manifest" ? what : at);
  if (partition === undefined) throw goneOutput(ref.task);
  return bytesAnswer(partition.sizeBytes, null, () => services.relay.read(output, at));
}

/** The caller cannot reach the worker that has it: it goes by the coordinator. */
function fromHolder({ principal, services }: Call, ref: AttemptRef, part: number | "manifest") {
  const source = stageSource(services.loop.state, ref);
  const isCurrent = source?.attempt === ref.attempt;
  const holder = isCurrent ? source.worker : null;
  const isInStore = isCurrent && holder === null && source.isStored;
  // It cannot reach the object store, or is an older worker.
  if (isInStore) return stream(storedOutput(services, { ref, root: source.root, part }));
  if (holder === null) throw goneOutput(ref.task);
  const counted = async function* () {
    for await (const chunk of workerOutput(services, { ref, holder, part })) {
      services.relayed.add(holder, principal.worker ?? "w-0", chunk.length);
      yield chunk;
    }
  };
  services.relayed.add(holder, principal.worker ?? "w-0", 0);
  return stream(counted());
}

function stream(bytes: AsyncIterable<Uint8Array>): Answer {
  const headers = { "content-type": "application/octet-stream" };
  return { kind: "bytes", status: 200, headers, stream: bytes };
}

/** What a worker that leaves is to hand over. */
async function leaving({ principal, services }: Call): Promise<Answer> {
  const outputs = await services.handOver.needed(principal.worker ?? "w-0");
  return json({ outputs } satisfies NeededOutputs);
}

async function put(call: Call): Promise<Answer> {
  const { body, params, principal, services, signal } = call;
  const ref = refOf(call);
  const worker = principal.worker ?? "w-0";
  const { handOver, loop, lowWater, relay, uploads } = services;
  const isLeased = () => isLeasedTo(loop.state, worker, ref);
  const expected = handOver.expected(worker, ref);
  const isWanted = () => isLeased() || handOver.expected(worker, ref) !== null;
  if (!isWanted()) {
    const text = "this attempt is not leased to this worker, and its output is not needed from it";
    throw new ClusterError("not-found", text);
  }
  // The job can go on without it.
  if (expected !== null) lowWater.mustBeAbove("taking over the output of a worker that leaves");
  const counted = <T>(store: (bytes: AsyncIterable<Uint8Array>) => Promise<T>) => {
    const of = { tab: tabOf(principal, services.loop.state), job: ref.job, task: null };
    return uploads.count(of, moving(body as Chunks, signal), store);
  };
  if (params.what === "manifest") {
    return json({ root: await counted((bytes) => relay.putManifest(ref, bytes, expected)) });
  }
  const { manifest, root } = await counted((bytes) => relay.putRun(ref, bytes, isWanted));
  await handOver.kept(worker, ref, root);
  return json({ root, sizeBytes: manifest.sizeBytes });
}

export const relayRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/shuffle/reach",
    access: ["work"],
    exchange: "→ Reached: whether the coordinator can connect to the calling worker's address",
    handle: reach,
  },
  {
    method: "GET",
    path: "/shuffle/leaving",
    access: ["work"],
    exchange: "→ NeededOutputs: what the calling worker is to PUT before it leaves",
    handle: leaving,
  },
  {
    method: "GET",
    path: "/shuffle/:job/:stage/:task/:attempt/:what",
    access: ["work"],
    exchange:
      "→ bytes: the manifest of a map output, or the partition that the worker's task reads",
    handle: get,
  },
  {
    method: "GET",
    path: "/shuffle/:job/:stage/sources",
    access: ["work"],
    exchange: "→ StageSources, for a worker whose task reads that stage",
    handle: sources,
  },
  {
    method: "PUT",
    path: "/shuffle/:job/:stage/:task/:attempt/:what",
    access: ["work"],
    exchange:
      "manifest, then run → { root }; only of an attempt that the worker has, or of an output " +
      "that is needed from it",
    body: "bytes",
    handle: put,
  },
];
