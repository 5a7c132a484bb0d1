/** Fetches many small files from one source, by as few calls as possible. What a call does not
 *  deliver is left to the caller, who fetches such files one by one from all their sources. */
import { ClusterError } from "../../../core/error.ts";
import type { Hash } from "../../../core/ids.ts";
import type { FileAttributes } from "../../../wire/p4/data.ts";
import * as many from "../../../wire/p4/many.ts";
import { rootBytesOf } from "../../../wire/p4/merkle.ts";
import type { Source } from "../../found.ts";
import { layerOfBytes } from "../../hashing/layer.ts";
import { rootHex } from "../../hashing/sha256.ts";
import { RateLimit } from "../../rate.ts";
import type { Connections } from "../connection.ts";

/** One file and the source that is asked for it. */
export type SmallFile = {
  readonly root: Hash;
  readonly sizeBytes: number;
  readonly source: Source;
};

export type VerifiedFile<T> = {
  readonly file: T;
  /** A view, valid until the call that takes it returns. */
  readonly content: Uint8Array;
  readonly attributes: FileAttributes;
};

/** Takes the good files of one message; throws when the download cannot go on. */
export type Take<T> = (files: ReadonlyArray<VerifiedFile<T>>) => void;

type Around = {
  readonly connections: Connections;
  readonly signal: AbortSignal;
  /** Limit for each source, bytes/s. */
  readonly rateMaxBytes: number;
  /** Longest silence between two messages, ms. */
  readonly idleMs: number;
};

/** Most content of one call: it is asked for again when the call fails. */
const callMaxBytes = 16 * 1024 * 1024;
/** Longest time of one call, ms; its messages are limited by `idleMs`. */
const callMs = 3_600_000;

/** Fetches what it can. A source whose call fails, or that does not know the call, is not asked
 *  for the rest. */
export async function readMany<T extends SmallFile>(
  files: readonly T[],
  around: Around,
  take: Take<T>,
): Promise<void> {
  const bySource = Map.groupBy(files, ({ source: { address } }) => {
    return `${address.host} ${address.port} ${address.fingerprint}`;
  });
  const lanes = [...bySource.values()].map(async (ofSource) => {
    const rate = new RateLimit(around.rateMaxBytes);
    for (const call of callsOf(ofSource)) {
      if (!(await readCall(call, { ...around, rate }, take))) return;
    }
  });
  const ended = await Promise.allSettled(lanes);
  for (const end of ended) if (end.status === "rejected") throw end.reason;
}

/** Calls of files of one source: each has at most so many files and bytes. */
function* callsOf<T extends SmallFile>(files: readonly T[]): Generator<readonly T[]> {
  let call: T[] = [];
  let contentBytes = 0;
  let requestBytes = 0;
  for (const file of files) {
    const ownBytes = Buffer.byteLength(file.source.fileName) + many.credentialMaxBytes / 4;
    const isFull =
      call.length === many.filesPerCallMax ||
      contentBytes + file.sizeBytes > callMaxBytes ||
      requestBytes + ownBytes > many.manyMaxBytes.request / 2;
    if (isFull && call.length > 0) {
      yield call;
      call = [];
      contentBytes = 0;
      requestBytes = 0;
    }
    call.push(file);
    contentBytes += file.sizeBytes;
    requestBytes += ownBytes;
  }
  if (call.length > 0) yield call;
}

/** False when the call failed. */
async function readCall<T extends SmallFile>(
  files: readonly T[],
  around: Around & { readonly rate: RateLimit },
  take: Take<T>,
): Promise<boolean> {
  const control = new AbortController();
  const signal = AbortSignal.any([around.signal, control.signal]);
  const late = () => control.abort(new ClusterError("timed-out", "nothing came"));
  let timer = setTimeout(late, around.idleMs);
  try {
    const connection = await around.connections.get(files[0]!.source.address);
    const wanted = await Promise.all(files.map(wantedOf));
    for await (const message of connection.readMany(wanted, { signal, limitMs: callMs })) {
      clearTimeout(timer);
      take(verified(files, message));
      const sizeBytes = message.reduce((sum, { content }) => sum + content.length, 0);
      await around.rate.pass(sizeBytes, signal);
      timer = setTimeout(late, around.idleMs);
    }
    return true;
  } catch (error) {
    around.signal.throwIfAborted();
    if (!(error instanceof ClusterError) || isLocal(error)) throw error;
    return false;
  } finally {
    clearTimeout(timer);
  }
}

async function wantedOf({ root, source }: SmallFile): Promise<many.WantedFile> {
  const credential = await source.credential();
  return { fileName: source.fileName, root: rootBytesOf(root)!, credential };
}

function verified<T extends SmallFile>(
  files: readonly T[],
  message: readonly many.WholeFile[],
): Array<VerifiedFile<T>> {
  return message.flatMap(({ index, content, problem, isExecutable, modifiedUs }) => {
    const file = files[index];
    if (file === undefined || problem !== "" || !isContentOf(file, content)) return [];
    return [{ file, content, attributes: { isExecutable, modifiedUs } }];
  });
}

function isContentOf({ root, sizeBytes }: SmallFile, content: Uint8Array): boolean {
  return content.length === sizeBytes && rootHex(sizeBytes, layerOfBytes(content)) === root;
}

/** Of this machine's disk: no source would help. */
function isLocal({ code }: ClusterError): boolean {
  return code === "storage-full" || code === "storage-failed";
}
