/** Blobs over HTTP: uploads that are durable when they are answered, downloads with ranges. */
import { createHash } from "node:crypto";
import { isOfWorker } from "../../../../core/access/roles.ts";
import type { CoordinatorState } from "../../../../core/coordinator.ts";
import { ClusterError } from "../../../../core/error.ts";
import type { Hash } from "../../../../core/ids.ts";
import { isTab } from "../../../../core/view.ts";
import { type BlobPut, type Blobs, hasAddresses } from "../../../../store/blob/blob.ts";
import { hit } from "../../../../store/failpoint.ts";
import {
  type BlobAddress,
  smallBlobMaxBytes,
  smallBlobsMax,
} from "../../../../wire/api/messages.ts";
import type { Principal } from "../../../access/auth.ts";
import type { Holder } from "../../../jobs/blob-sweep.ts";
import type { Services } from "../../../services.ts";
import { parseSmallBlobs } from "../bodies.ts";
import { bytesAnswer, parseRange } from "../ranges.ts";
import { type Answer, type Call, json, type Route } from "../route.ts";

/** Time without progress after which an upload is given up, ms. */
const stallMs = 30_000;

async function upload({ services, principal, headers, body, signal }: Call): Promise<Answer> {
  const expect = headers["x-content-sha256"];
  if (expect !== undefined && (typeof expect !== "string" || !/^[0-9a-f]{64}$/.test(expect))) {
    throw new ClusterError(
      "bad-request",
      "x-content-sha256 is a SHA-256 of 64 lowercase hex digits",
    );
  }
  const by = holderOf(principal);
  if (expect !== undefined) await services.sweep.hold([expect], by);
  const moved = body === undefined || body === null ? none() : moving(body as Chunks, signal);
  // Workers bring results, all others inputs.
  const ranges = !isOfWorker(principal.role);
  const store = storing(services, { ranges, ...(expect === undefined ? {} : { expect }) });
  const put = await admitted(services, principal, { moved, store });
  await services.sweep.hold([put.hash], by);
  if (expect === undefined && (await services.blobs.size(put.hash)) === null) {
    const text = `blob ${put.hash} was being removed when it came; send it again`;
    throw new ClusterError("unavailable", text);
  }
  return json(put);
}

/** Who will name what this caller brings or asks for. */
function holderOf({ role }: Principal): Holder {
  return isOfWorker(role) ? "worker" : "submitter";
}

/** What a job needs beside its inputs, in one call and without asking first what is here. */
async function uploadSmall({ services, principal, body }: Call): Promise<Answer> {
  const { blobs } = parseSmallBlobs(body);
  const hashes = blobs.map(async (base64) => {
    const bytes = Buffer.from(base64, "base64");
    const expect = createHash("sha256").update(bytes).digest("hex");
    await services.sweep.hold([expect]);
    // One that is damaged is written anew.
    if ((await services.blobs.size(expect).catch(onlyDamaged)) !== null) return expect;
    const store = storing(services, { ranges: true, expect });
    await admitted(services, principal, { moved: only(bytes), store });
    await services.sweep.hold([expect]);
    return expect;
  });
  return json({ hashes: await Promise.all(hashes) });
}

function storing({ blobs }: Services, options: Parameters<Blobs["put"]>[1]) {
  return async (chunks: Source): Promise<BlobPut> => {
    hit("http.upload", "before");
    const put = await blobs.put(chunks, options);
    hit("http.upload", "after");
    return put;
  };
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  if (bytes.length > 0) yield bytes;
}

type Source = AsyncIterable<Uint8Array>;

async function* none(): AsyncGenerator<Uint8Array, void> {}

type Upload = {
  readonly moved: Source;
  readonly store: (chunks: Source) => Promise<BlobPut>;
};

/** A worker's upload belongs to a running job, and such jobs must be able to end. */
function admitted(
  { loop, lowWater, uploads }: Services,
  principal: Principal,
  { moved, store }: Upload,
): Promise<BlobPut> {
  if (isOfWorker(principal.role)) {
    return uploads.count(
      { tab: tabOf(principal, loop.state), job: null, task: null },
      moved,
      store,
    );
  }
  lowWater.mustBeAbove("an upload");
  return store(lowWater.guarded(moved, "an upload"));
}

/** The id under which uploads of a tab are counted; null for a worker that has joined as such. */
export function tabOf({ token, worker }: Principal, state: CoordinatorState): string | null {
  if (worker === null) return token;
  return isTab(state, worker) ? worker : null;
}

export type Chunks = AsyncIterable<Uint8Array> & { destroy(error: Error): void };

/** The chunks, as long as they keep coming. */
export async function* moving(chunks: Chunks, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stop = (why: string) => chunks.destroy(new ClusterError("unavailable", why));
  const aborted = () => stop("the upload was broken off; send it again");
  signal.addEventListener("abort", aborted);
  let timer = setTimeout(() => {}, 0);
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stop(`no bytes came for ${stallMs} ms; send it again`), stallMs);
  };
  try {
    wait();
    for await (const chunk of chunks) {
      wait();
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ClusterError) throw error;
    // The caller's line was cut: nothing is wrong here.
    throw new ClusterError("unavailable", "the upload was broken off; send it again", {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
  }
}

async function download(call: Call, withBody: boolean): Promise<Answer> {
  const { services, principal, params, headers } = call;
  const hash = params.hash ?? "";
  const isName = /^[0-9a-f]{64}$/.test(hash);
  // One that requests the head is about to name it.
  if (isName && !withBody) await services.sweep.hold([hash], holderOf(principal));
  const size = isName ? services.blobs.size(hash) : Promise.resolve(null);
  // A damaged one must be sent again, like a missing one.
  const sizeBytes = await (withBody ? size : size.catch(onlyDamaged));
  if (sizeBytes === null) {
    throw new ClusterError("not-found", `there is no blob ${hash.slice(0, 64)}`);
  }
  const span = parseRange(headers.range, sizeBytes);
  const read = () => held(services, hash, services.blobs.read(hash, span ?? undefined));
  return bytesAnswer(sizeBytes, span, withBody ? read : null);
}

export function onlyDamaged(error: unknown): null {
  if (error instanceof ClusterError && error.code === "data-lost") return null;
  throw error;
}

/** How long an address is valid, s. */
const addressS = 900;

/** The blob stays for as long: its readers are not seen here. */
async function address({ params, services: { blobs, sweep } }: Call): Promise<Answer> {
  const { hash = "" } = params;
  if (!hasAddresses(blobs)) {
    throw new ClusterError("not-found", "this coordinator keeps blobs in no object store");
  }
  if (!/^[0-9a-f]{64}$/.test(hash) || (await blobs.size(hash)) === null) {
    throw new ClusterError("not-found", `there is no blob ${hash.slice(0, 64)}`);
  }
  await sweep.hold([hash]);
  const answer: BlobAddress = { url: blobs.address(hash, addressS), forMs: addressS * 1_000 };
  return json(answer);
}

/** The blob stays until its last byte is read, or the reader is gone. */
async function* held(
  { sweep }: Services,
  hash: Hash,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const leave = sweep.reading(hash);
  try {
    yield* chunks;
  } finally {
    leave();
  }
}

export const blobRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/blobs",
    access: ["submit", "work"],
    exchange: "bytes → BlobPut; header `x-content-sha256` is checked when given",
    body: "bytes",
    handle: upload,
  },
  {
    method: "POST",
    path: "/v1/small-blobs",
    access: ["submit"],
    exchange:
      `SmallBlobs → { hashes } in their order; at most ${smallBlobsMax} of ` +
      `${smallBlobMaxBytes / 1024} KiB, as base64`,
    handle: uploadSmall,
  },
  {
    method: "GET",
    path: "/v1/blobs/:hash",
    access: "any",
    exchange: "→ bytes, `Range: bytes=a-b` honoured",
    handle: (call) => download(call, true),
  },
  {
    method: "GET",
    path: "/v1/blobs/:hash/address",
    access: "read",
    exchange: "→ BlobAddress; 404 when the blobs are in no object store",
    handle: address,
  },
  {
    method: "HEAD",
    path: "/v1/blobs/:hash",
    access: "any",
    exchange: "→ the head of GET",
    handle: (call) => download(call, false),
  },
];
