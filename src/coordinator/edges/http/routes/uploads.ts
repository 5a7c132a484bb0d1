/** Large uploads of submitters in ranges: what has arrived stays when the line is cut, and several
 *  ranges travel at once. */
import { ClusterError } from "../../../../core/error.ts";
import { rangeMinBytes } from "../../../../core/transfer/pace.ts";
import type { Range } from "../../../../store/blob/rules.ts";
import type { UploadOf } from "../../../../store/blob/staged.ts";
import { type UploadState, uploadRangesMax } from "../../../../wire/api/messages.ts";
import { parseHashes } from "../bodies.ts";
import { type Answer, type Call, json, type Route } from "../route.ts";
import { type Chunks, moving, onlyDamaged } from "./blobs.ts";

function uploadOf({ params, principal, query }: Call): UploadOf {
  return {
    owner: principal.owner,
    hash: params.hash ?? "",
    sizeBytes: numberOf(query.sizeBytes, "sizeBytes"),
  };
}

function numberOf(text: unknown, name: string): number {
  if (typeof text === "string" && /^\d{1,15}$/.test(text)) return Number(text);
  throw new ClusterError("bad-request", `?${name}= is a whole number of bytes`);
}

async function isStored({ blobs, sweep }: Call["services"], hash: string): Promise<boolean> {
  await sweep.hold([hash]);
  return (await blobs.size(hash).catch(onlyDamaged)) !== null;
}

async function state(call: Call): Promise<Answer> {
  const { services } = call;
  const of = uploadOf(call);
  const missing = await services.staging.missing(of);
  const isThere = await isStored(services, of.hash);
  const ranges = isThere ? [] : missing.slice(0, uploadRangesMax).map(pairOf);
  const told = { isStored: isThere, missing: ranges, unitBytes: rangeMinBytes };
  return json(told satisfies UploadState);
}

function pairOf({ start, end }: Range): [number, number] {
  return [start, end];
}

async function range(call: Call): Promise<Answer> {
  const { body, headers, query, services, signal } = call;
  const expect = headers["x-content-sha256"];
  if (typeof expect !== "string" || body === undefined || body === null) {
    const text = "a range has bytes, and their SHA-256 as x-content-sha256";
    throw new ClusterError("bad-request", text);
  }
  services.lowWater.mustBeAbove("an upload");
  const chunks = services.lowWater.guarded(moving(body as Chunks, signal), "an upload");
  const start = numberOf(query.start, "start");
  await services.staging.write(uploadOf(call), { start, chunks, expect });
  return json({});
}

async function finish(call: Call): Promise<Answer> {
  const { services } = call;
  const of = uploadOf(call);
  // An answer to an earlier call may have been lost on its way.
  if (await isStored(services, of.hash)) {
    return json({ hash: of.hash, sizeBytes: of.sizeBytes });
  }
  const put = await services.staging.finish(of);
  await services.sweep.hold([put.hash]);
  return json(put);
}

/** Many files are asked about in one call. */
async function missing({ body, services }: Call): Promise<Answer> {
  const { hashes } = parseHashes(body);
  const stored = await Promise.all(hashes.map((hash) => isStored(services, hash)));
  return json({ missing: hashes.filter((_, at) => stored[at] !== true) });
}

export const uploadRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/missing-blobs",
    access: ["submit"],
    exchange: "{ hashes }, at most 1,000 → { missing }: those of them that are not here",
    handle: missing,
  },
  {
    method: "GET",
    path: "/v1/uploads/:hash",
    access: ["submit"],
    exchange: "→ UploadState; `?sizeBytes=` of the whole",
    handle: state,
  },
  {
    method: "PUT",
    path: "/v1/uploads/:hash",
    access: ["submit"],
    exchange:
      "bytes → {}; a range of it from `?start=`, a multiple of `unitBytes`; `?sizeBytes=` of the " +
      "whole; header `x-content-sha256` of the range",
    body: "bytes",
    handle: range,
  },
  {
    method: "POST",
    path: "/v1/uploads/:hash",
    access: ["submit"],
    exchange: "{} → BlobPut, when all of it is here; `?sizeBytes=` of the whole",
    handle: finish,
  },
];
