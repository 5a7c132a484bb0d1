/** Partitions that the coordinator keeps, for the reduce tasks of workers: the calls of a worker's
 *  exchange. And how workers that nobody can reach bring them. */
import { createHash, timingSafeEqual } from "node:crypto";
import { createReadStream } from "node:fs";
import { ClusterError } from "../../core/error.ts";
import type { AttemptRef } from "../../core/ids.ts";
import { leasesOf } from "../../core/view.ts";
import { bytesAnswer } from "../http/ranges.ts";
import { type Answer, type Call, json, type Route } from "../http/route.ts";
import { type Chunks, moving } from "../http/routes-blobs.ts";
import { asJobId } from "../http/services.ts";

function refOf({ params }: Call): AttemptRef {
  const [stage, task, attempt] = [params.stage, params.task, params.attempt].map((text) =>
    /^\d{1,10}$/.test(text ?? "") ? Number(text) : -1,
  ) as [number, number, number];
  return { job: asJobId(params.job), stage, task, attempt };
}

function get(call: Call): Answer {
  const { headers, params, services } = call;
  const ref = refOf(call);
  const expected = `Bearer ${services.keys.exchangeSecret(ref.job)}`;
  if (!same(String(headers.authorization ?? ""), expected)) {
    throw new ClusterError("unauthenticated", "show the exchange secret of the job");
  }
  const output = services.relay.get(ref);
  const { what } = params;
  const at = /^\d{1,6}$/.test(what ?? "") ? Number(what) : -1;
  const partition = output?.manifest.partitions[at];
  if (output !== null && what === "manifest") return stream(createReadStream(output.manifestPath));
  if (output === null || partition === undefined) {
    throw new ClusterError("not-found", "this output is not here any more");
  }
  return bytesAnswer(partition.sizeBytes, null, () => services.relay.read(output, at));
}

function stream(bytes: AsyncIterable<Uint8Array>): Answer {
  const headers = { "content-type": "application/octet-stream" };
  return { kind: "bytes", status: 200, headers, stream: bytes };
}

function same(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

async function put(call: Call): Promise<Answer> {
  const { body, params, principal, services, signal } = call;
  const ref = refOf(call);
  const isLeased = leasesOf(services.loop.state, principal.worker ?? "w-0").some(
    (one) =>
      one.job === ref.job &&
      one.stage === ref.stage &&
      one.task === ref.task &&
      one.attempt === ref.attempt,
  );
  if (!isLeased) throw new ClusterError("not-found", "this attempt is not leased to this worker");
  const bytes = moving(body as Chunks, signal);
  if (params.what === "manifest") {
    return json({ root: await services.relay.putManifest(ref, bytes) });
  }
  const { manifest, root } = await services.relay.putRun(ref, bytes);
  return json({ root, sizeBytes: manifest.sizeBytes });
}

export const relayRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/shuffle/:job/:stage/:task/:attempt/:what",
    access: "secret",
    exchange: "→ bytes: the manifest of a map output, or the run of one partition",
    handle: get,
  },
  {
    method: "PUT",
    path: "/shuffle/:job/:stage/:task/:attempt/:what",
    access: ["work"],
    exchange: "manifest, then run → { root }; only of an attempt that the worker has",
    body: "bytes",
    handle: put,
  },
];
