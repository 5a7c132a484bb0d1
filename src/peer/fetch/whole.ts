/** Files that no member has named by a root: fetched whole from existing peers or from users of the
 *  console. Only the length can be verified, and the result says so. */
import { lookup } from "node:dns/promises";
import { createWriteStream } from "node:fs";
import { link, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ClusterError } from "../../core/error.ts";
import { isConnectionLost } from "../../link/grpc/status.ts";
import { refuseBeyondHere } from "../../link/tcp/clear.ts";
import { syncDirectory } from "../../store/directory.ts";
import { systemCode } from "../../store/failure.ts";
import { fetchConsoleFile } from "../console-files.ts";
import type { Source } from "../found.ts";
import { sha256Hex } from "../hashing/sha256.ts";
import type { Connections, DialRules } from "./connection.ts";
import { downloadFailure } from "./full-disk.ts";

export type WholeOptions = {
  readonly target: string;
  readonly replaces: boolean;
  readonly connections: Connections;
  readonly rules: DialRules;
  readonly maxBytes: number;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly onBytes: (receivedBytes: number) => void;
};

/** Returns the bytes received and the protocol. Throws the error of the last protocol tried. */
export async function fetchWhole(
  source: Source,
  options: WholeOptions,
): Promise<{ readonly sizeBytes: number; readonly by: "getFile" | "console" }> {
  try {
    const bytes = await byGetFile(source, options);
    options.onBytes(bytes.length);
    await save(options, [bytes]);
    return { sizeBytes: bytes.length, by: "getFile" };
  } catch (error) {
    options.signal.throwIfAborted();
    // A source that has promised TLS is never asked without it.
    if (source.address.fingerprint !== "" || !mayBeConsole(error)) throw error;
    return { sizeBytes: await byConsole(source, options, error), by: "console" };
  }
}

async function byGetFile(source: Source, options: WholeOptions): Promise<Uint8Array> {
  const connection = await options.connections.get(source.address);
  const { maxBytes, limitMs } = options;
  const credential = await source.credential();
  return connection.getFile(source.fileName, { credential, maxBytes, limitMs });
}

/** A console client closes, or answers one byte, when it receives HTTP/2; a peer of this
 *  implementation speaks HTTP/2, and refuses what does not fit into one message. */
function mayBeConsole(error: unknown): boolean {
  if (!(error instanceof ClusterError)) return false;
  return error.code === "limit-exceeded" || isConnectionLost(error);
}

async function byConsole(source: Source, options: WholeOptions, before: unknown): Promise<number> {
  const { address: ip } = await lookup(source.address.host);
  const { rules, signal } = options;
  const problem = rules.refuse(ip);
  if (problem !== null) throw new ClusterError("forbidden", problem);
  const { port } = source.address;
  const { refuseClear = refuseBeyondHere } = rules;
  const asked = fetchConsoleFile({ host: ip, port }, source.fileName, { signal, refuseClear });
  const fetched = await asked.catch(() => {
    signal.throwIfAborted();
    // The peer does not speak this protocol either.
    throw before;
  });
  try {
    if (fetched.outcome === "no-file") throw new ClusterError("not-found", "File not found");
    if (fetched.outcome !== "ok") throw before;
    let receivedBytes = 0;
    async function* counted() {
      for await (const bytes of fetched.content) {
        receivedBytes += bytes.length;
        options.onBytes(receivedBytes);
        yield bytes;
      }
    }
    await save(options, counted());
    return fetched.sizeBytes ?? receivedBytes;
  } finally {
    fetched.close();
  }
}

/** Durable before it has its name. */
async function save(
  { target, replaces, signal }: WholeOptions,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const part = join(dirname(target), `.tequio-${sha256Hex(target).slice(0, 24)}.whole`);
  try {
    await pipeline(content, createWriteStream(part, { flush: true }), { signal });
    if (replaces) await rename(part, target);
    else await link(part, target);
    await syncDirectory(dirname(target));
  } catch (error) {
    if (systemCode(error) === "EEXIST") {
      throw new ClusterError("conflict", `${target} exists; use --overwrite to replace it`);
    }
    if (error instanceof ClusterError || signal.aborted) throw error;
    throw downloadFailure(error, target, false);
  } finally {
    await rm(part, { force: true });
  }
}
