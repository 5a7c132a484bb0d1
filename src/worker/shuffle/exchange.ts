/** The worker's port for other workers: partitions of its map outputs, by P4's service Shuffle.
 *  Nothing else is served.
 *
 *  A worker that listens beyond this machine has a certificate of its own, made at the start: its
 *  fingerprint is part of the address that the coordinator sends to other workers. */
import { stat } from "node:fs/promises";
import { isIP } from "node:net";
import type { AttemptRef } from "../../core/ids.ts";
import { GrpcServer } from "../../link/grpc/server.ts";
import { fingerprint, selfSigned } from "../../link/tls/self-signed.ts";
import { defaultListenerLimits, openListener } from "../../peer/listener.ts";
import { type JobKey, type Range, ShuffleService } from "../../peer/shuffle/service.ts";
import type { Outputs } from "./outputs.ts";

export type ExchangeOptions = {
  readonly host: string;
  /** 0 = any. */
  readonly port: number;
  readonly outputs: Outputs;
  /** Null when the job is not open here. */
  readonly keyOf: (job: string) => JobKey | null;
  readonly connectionsMax: number;
  /** Longest pause of a reader, ms. */
  readonly idleMs: number;
  readonly onBroken?: (error: unknown) => void;
};

export type Exchange = {
  readonly port: number;
  /** Of the certificate; "" = none, since only this machine reaches it. */
  readonly fingerprint: string;
  close(): Promise<void>;
};

export async function openExchange(options: ExchangeOptions): Promise<Exchange> {
  const { connectionsMax, idleMs, host, onBroken = () => {}, outputs, port } = options;
  const service = new ShuffleService({
    keyOf: options.keyOf,
    find: (ref, part) => rangeOf(outputs, ref, part),
    limits: { sendMs: idleMs },
  });
  const tls = isLoopback(host) ? null : selfSigned(["worker"], Date.now());
  const methods = service.methods();
  const grpc = new GrpcServer({ methods, onBroken, ...(tls === null ? {} : { tls }) });
  const listener = await openListener({
    ...defaultListenerLimits,
    host,
    port,
    grpc,
    other: null,
    connectionsMax,
  });
  return {
    port: listener.port,
    fingerprint: tls === null ? "" : fingerprint(tls.cert),
    close: () => listener.close(),
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

async function rangeOf(outputs: Outputs, ref: AttemptRef, part: number): Promise<Range | null> {
  const output = outputs.get(ref);
  if (output === null) return null;
  if (part > 0) {
    const partition = output.manifest.at(part - 1);
    return partition === undefined ? null : { path: output.runPath, ...partition };
  }
  const { size } = await stat(output.manifestPath);
  return { path: output.manifestPath, offset: 0, sizeBytes: size };
}
