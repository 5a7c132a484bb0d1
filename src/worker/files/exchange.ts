/** The worker's HTTP server: other workers fetch partitions of its map outputs from it.
 *
 *  | call | answer |
 *  | --- | --- |
 *  | GET /shuffle/:job/:stage/:task/:attempt/manifest | the manifest |
 *  | GET /shuffle/:job/:stage/:task/:attempt/:partition | the partition's run |
 *
 *  Both need `Authorization: Bearer <exchange secret of the job>`. Nothing else is served. */
import { createHash, timingSafeEqual } from "node:crypto";
import { createReadStream } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { ClusterError } from "../../core/error.ts";
import { type AttemptRef, jobId } from "../../core/ids.ts";
import { hit } from "../../store/failpoint.ts";
import type { Outputs } from "./outputs.ts";

export type ExchangeOptions = {
  readonly host: string;
  /** 0 = any. */
  readonly port: number;
  readonly outputs: Outputs;
  /** Null when the job is not open here. */
  readonly secretOf: (job: string) => string | null;
  readonly connectionsMax: number;
  /** Longest pause of a reader, ms. */
  readonly idleMs: number;
};

export type Exchange = { readonly port: number; close(): Promise<void> };

const pathPattern =
  /^\/shuffle\/j-([0-9]{1,15})\/([0-9]{1,3})\/([0-9]{1,8})\/([0-9]{1,9})\/([a-z0-9]{1,8})$/;

export async function openExchange(options: ExchangeOptions): Promise<Exchange> {
  const server = createServer(
    { maxHeaderSize: 16 * 1024, requestTimeout: 60_000 },
    (ask, answer) => {
      serve(options, ask, answer).catch(() => answer.destroy());
    },
  );
  server.headersTimeout = 10_000;
  server.maxConnections = options.connectionsMax;
  server.setTimeout(options.idleMs);
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: ExchangeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const code = error.code === "EADDRINUSE" ? "conflict" : "bad-request";
      const text = `cannot listen at ${host}:${port} (${error.code}); use another --listen address`;
      reject(new ClusterError(code, text, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

async function serve(
  options: ExchangeOptions,
  ask: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const match = ask.method === "GET" ? pathPattern.exec(ask.url ?? "") : null;
  if (match === null) return refuse(answer, 404);
  const ref: AttemptRef = {
    job: jobId(Number(match[1])),
    stage: Number(match[2]),
    task: Number(match[3]),
    attempt: Number(match[4]),
  };
  const secret = options.secretOf(ref.job);
  if (!sameSecret(ask.headers.authorization ?? "", `Bearer ${secret ?? ""}`) || !secret) {
    return refuse(answer, 401);
  }
  const output = options.outputs.get(ref);
  if (output === null) return refuse(answer, 404);
  if (match[5] === "manifest") return sendFile(answer, output.manifestPath);
  const partition = /^[0-9]+$/.test(match[5]!) && output.manifest.partitions[Number(match[5])];
  if (!partition) return refuse(answer, 404);
  const { offset, sizeBytes } = partition;
  return sendFile(answer, output.runPath, { offset, sizeBytes });
}

async function sendFile(
  answer: ServerResponse,
  path: string,
  range?: { readonly offset: number; readonly sizeBytes: number },
): Promise<void> {
  const headers: Record<string, string> = { "content-type": "application/octet-stream" };
  if (range === undefined) {
    answer.writeHead(200, headers);
    return pipeline(createReadStream(path), answer);
  }
  answer.writeHead(200, { ...headers, "content-length": String(range.sizeBytes) });
  if (range.sizeBytes === 0) {
    answer.end();
    return;
  }
  const { offset: start, sizeBytes } = range;
  const bytes = createReadStream(path, {
    start,
    end: start + sizeBytes - 1,
    highWaterMark: Math.min(256 * 1024, sizeBytes),
  });
  hit("shuffle.serve", "before");
  await pipeline(bytes, answer);
  hit("shuffle.serve", "after");
}

function refuse(answer: ServerResponse, status: number): void {
  answer.writeHead(status, { "content-length": "0" }).end();
}

/** Compared as hashes: equally long, and in the same time whatever is given. */
function sameSecret(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
