/** Addresses by which workers put map outputs into the object store, and read them there. */
import { ClusterError } from "../../../../core/error.ts";
import { isLeasedTo, stageSources } from "../../../../core/view.ts";
import type { StoredAddresses, UploadAddress } from "../../../../wire/api/messages.ts";
import type { ShuffleStore } from "../../../relay/shuffle-store.ts";
import { asJobId } from "../../../services.ts";
import { forbidden } from "../permission.ts";
import { type Answer, type Call, json, type Route } from "../route.ts";
import { notReading, readers, refOf } from "./relay.ts";
import { wholeNumberOf } from "./results.ts";

/** Tasks whose addresses are in one answer. */
const addressesMax = 256;

/** A volunteer could keep an address and read more than its task does: it reads by way of the
 *  coordinator. */
function storeFor({ principal, services }: Call): ShuffleStore {
  if (principal.role === "volunteer") throw forbidden(principal, "use the object store");
  if (services.stored !== null) return services.stored;
  const text = "this coordinator has no object store: start it with --blobs s3://…";
  throw new ClusterError("bad-request", text);
}

function upload(call: Call): Answer {
  const store = storeFor(call);
  const { principal, query, services } = call;
  const ref = refOf(call);
  if (!isLeasedTo(services.loop.state, principal.worker ?? "w-0", ref)) {
    throw new ClusterError("not-found", "this attempt is not leased to this worker");
  }
  const { sizeBytes } = query;
  if (typeof sizeBytes !== "string" || !/^[1-9][0-9]{0,14}$/.test(sizeBytes)) {
    throw new ClusterError("bad-request", "?sizeBytes= is a whole number, from 1 on");
  }
  const url = store.uploadAddress(ref, Number(sizeBytes));
  return json({ url } satisfies UploadAddress);
}

function addresses(call: Call): Answer {
  const store = storeFor(call);
  const { params, query, services } = call;
  const job = asJobId(params.job);
  const stage = /^\d{1,4}$/.test(params.stage ?? "") ? Number(params.stage) : -1;
  if (readers(call, job, stage).length === 0) throw notReading(stage);
  const from = wholeNumberOf(query.from) ?? 0;
  const all = stageSources(services.loop.state, job, stage).slice(from, from + addressesMax);
  const found = all.map((source) => {
    if (source === null || source.worker !== null || !source.isStored) return null;
    const { attempt, task } = source;
    const ref = { job, stage, task, attempt };
    // It came here, since the worker could not reach the store.
    if (services.relay.get(ref) !== null) return null;
    return [attempt, store.addressOf(ref)] as const;
  });
  const answer: StoredAddresses = { from, forMs: store.expiresS * 1_000, addresses: found };
  return json(answer);
}

export const storedRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/shuffle/:job/:stage/:task/:attempt/upload",
    access: ["work"],
    exchange:
      "→ UploadAddress of an object of `?sizeBytes=`; only of an attempt that the worker has",
    handle: upload,
  },
  {
    method: "GET",
    path: "/shuffle/:job/:stage/addresses",
    access: ["work"],
    exchange: "→ StoredAddresses from task `?from=` on, for a worker whose task reads that stage",
    handle: addresses,
  },
];
