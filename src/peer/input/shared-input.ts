/** Ranges of a shared file, as inputs of jobs need them: nothing is stored, and no byte is returned
 *  whose piece does not belong to the root.
 *
 *  A member on this machine reports where its file lies: then the file is read there, also by
 *  verified pieces. Otherwise the pieces come from a member by P4; a member that sends wrong
 *  content or is gone is not asked again. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { WrongCertificate } from "../../link/grpc/dial.ts";
import { readAnswerOf } from "../../wire/p4/data.ts";
import {
  hashOf,
  isLayerOf,
  pieceBytesOf,
  pieceCountOf,
  pieceLength,
  rootBytesOf,
  sameBytes,
} from "../../wire/p4/merkle.ts";
import { Connections, type PeerConnection } from "../fetch/connection.ts";
import type { Found, Source } from "../found.ts";
import { sha256 } from "../hashing/sha256.ts";

export type SharedContent = {
  /** The file's name in the catalogue when the job was planned. */
  readonly name: string;
  readonly root: Hash;
  readonly sizeBytes: number;
};

export type Wanted = { readonly root: Hash } | { readonly file_name: string };

export type SharedInputsOptions = {
  /** Finds the members that have it, with tickets. Throws `not-found` when there is none. */
  readonly find: (wanted: Wanted) => Promise<Found>;
  /** Why this IP must not be dialled, or null. */
  readonly refuse: (ip: string) => string | null;
  /** Of this machine; see link/host.ts. */
  readonly host: string;
  /** Longest silence of a member, ms. */
  readonly idleMs: number;
};

/** A file at one member, its layer verified. */
type Opened = {
  readonly source: string;
  /** Identifies a member that is not to be asked again. */
  readonly key: string;
  readonly layer: Uint8Array;
  /** The member's own file, on this machine; null = it is on another, or may not be read. */
  readonly file: FileHandle | null;
  readonly connection: PeerConnection;
  readonly session: Uint8Array;
};
type Range = { readonly start: number; readonly end: number };

/** Files that are kept open. */
const openMax = 32;
/** Members asked for one range before it counts as unavailable. */
const triesMax = 4;

export class SharedInputs {
  readonly #options: SharedInputsOptions;
  readonly #connections: Connections;
  /** By root, least lately used first. */
  readonly #open = new Map<Hash, Promise<Opened>>();
  /** Root, member and certificate of members that do not have this content, or no longer, or whose
   *  certificate is another. */
  readonly #others = new Set<string>();

  constructor(options: SharedInputsOptions) {
    this.#options = options;
    this.#connections = new Connections({ refuse: options.refuse });
  }

  /** Bytes [start, end), verified. Throws `data-lost` when the name stands for other content now,
   *  `download-failed` when no member can be had. */
  async *read(
    content: SharedContent,
    { end, start }: Range,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void> {
    let at = start;
    let failure: unknown = null;
    for (let tries = 0; tries < triesMax && at < end; tries++) {
      signal.throwIfAborted();
      const opened = await this.#opened(content, failure);
      try {
        for await (const bytes of this.#range(opened, content, { start: at, end }, signal)) {
          at += bytes.length;
          tries = 0;
          yield bytes;
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ClusterError)) throw error;
        if (["protocol-violated", "data-lost"].includes(error.code)) {
          this.#others.add(opened.key);
        }
        failure = error;
        await this.#forget(content.root);
      }
    }
    if (at < end) throw await this.#lost(content, failure);
  }

  async close(): Promise<void> {
    for (const root of [...this.#open.keys()]) await this.#forget(root);
    await this.#connections.close();
  }

  #opened(content: SharedContent, before: unknown): Promise<Opened> {
    const { root } = content;
    const opened = this.#open.get(root) ?? this.#find(content, before);
    this.#open.delete(root);
    this.#open.set(root, opened);
    opened.catch(() => {
      if (this.#open.get(root) === opened) this.#open.delete(root);
    });
    const [oldest] = this.#open.keys();
    if (this.#open.size > openMax && oldest !== undefined) void this.#forget(oldest);
    return opened;
  }

  async #forget(root: Hash): Promise<void> {
    const opened = await this.#open.get(root)?.catch(() => null);
    this.#open.delete(root);
    await opened?.file?.close().catch(() => {});
  }

  async #find(content: SharedContent, before: unknown): Promise<Opened> {
    let failure = before;
    const { root } = content;
    const found = await this.#options.find({ root }).catch(async (error) => {
      throw isNotFound(error) ? await this.#lost(content, before ?? error) : error;
    });
    for (const source of found.sources) {
      if (this.#others.has(keyOf(root, source))) continue;
      try {
        return await this.#openAt(source, content);
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
        if (error instanceof WrongCertificate) this.#others.add(keyOf(root, source));
        failure = error;
      }
    }
    throw await this.#lost(content, failure);
  }

  async #openAt(source: Source, { root, sizeBytes }: SharedContent): Promise<Opened> {
    const connection = await this.#connections.get(source.address);
    const rootBytes = rootBytesOf(root)!;
    const wanted = { fileName: source.fileName, root: rootBytes, host: this.#options.host };
    const answer = await connection.open(wanted, await source.credential());
    const layer = await connection.layer(answer);
    const shape = { sizeBytes, root: rootBytes };
    if (answer.sizeBytes !== sizeBytes || !isLayerOf(shape, layer, sha256)) {
      throw new ClusterError("protocol-violated", `${source.name} names other pieces`);
    }
    const file = answer.path === "" ? null : await openQuietly(answer.path, sizeBytes);
    const { name } = source;
    const { session } = answer;
    return { source: name, key: keyOf(root, source), layer, file, connection, session };
  }

  async *#range(
    opened: Opened,
    content: SharedContent,
    { end, start }: Range,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void> {
    const pieceBytes = pieceBytesOf(content.sizeBytes);
    let piece = Math.floor(start / pieceBytes);
    const last = Math.min(pieceCountOf(content.sizeBytes), Math.ceil(end / pieceBytes));
    const pieces =
      opened.file === null
        ? this.#remote(opened, { first: piece, count: last - piece }, signal)
        : local(opened.file, content.sizeBytes, { first: piece, count: last - piece });
    for await (const bytes of pieces) {
      const isWhole = bytes.length === pieceLength(content.sizeBytes, piece);
      if (!isWhole || !sameBytes(sha256(bytes), hashOf(opened.layer, piece))) {
        throw new ClusterError(
          opened.file === null ? "protocol-violated" : "data-lost",
          `piece ${piece} of ${content.name} from ${opened.source} is not that of the file`,
        );
      }
      const from = piece * pieceBytes;
      yield bytes.subarray(Math.max(0, start - from), Math.min(bytes.length, end - from));
      piece += 1;
    }
    if (piece < last) throw new ClusterError("unavailable", `${opened.source} ended early`);
  }

  async *#remote(
    { connection, session }: Opened,
    run: { readonly first: number; readonly count: number },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void> {
    const control = new AbortController();
    const { idleMs } = this.#options;
    const late = new ClusterError("timed-out", `no piece came within ${idleMs} ms`);
    const timer = setTimeout(() => control.abort(late), idleMs);
    let next = run.first;
    try {
      for await (const answer of connection.read(
        { session, runs: [run] },
        {
          allocate: (length) => Buffer.allocUnsafeSlow(length),
          signal: AbortSignal.any([signal, control.signal]),
          limitMs: 2 ** 31 - 1,
        },
      )) {
        const { content, piece } = readAnswerOf(answer);
        if (piece !== next++) throw new ClusterError("protocol-violated", "another piece came");
        yield content;
        timer.refresh();
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** The error to report when it is unavailable: whether the name stands for other content by
   *  now. */
  async #lost({ name, root }: SharedContent, cause: unknown): Promise<ClusterError> {
    const now = await this.#options.find({ file_name: name }).catch(() => null);
    const isChanged = cause instanceof ClusterError && cause.code === "data-lost";
    if (isChanged || (now !== null && now.root !== root)) {
      const text =
        `shared input ${name} has changed since the job was submitted; submit it again, ` +
        `or share the old content (root ${root.slice(0, 16)}…) again`;
      return new ClusterError("data-lost", text, { cause });
    }
    const why = cause instanceof Error ? cause.message : "no member offers it now";
    const text = `shared input ${name} cannot be had: ${why}; its owner must share it meanwhile`;
    return new ClusterError("download-failed", text, { cause });
  }
}

function keyOf(root: Hash, { address, name }: Source): string {
  return `${root} ${name} ${address.fingerprint}`;
}

function isNotFound(error: unknown): boolean {
  return error instanceof ClusterError && error.code === "not-found";
}

/** Null when this process may not read it, or it is another file: then it is read from the
 *  member. */
async function openQuietly(path: string, sizeBytes: number): Promise<FileHandle | null> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(() => null);
  if (file === null) return null;
  const found = await file.stat();
  if (found.isFile() && found.size === sizeBytes) return file;
  await file.close();
  return null;
}

async function* local(
  file: FileHandle,
  sizeBytes: number,
  run: { readonly first: number; readonly count: number },
): AsyncGenerator<Uint8Array, void> {
  const pieceBytes = pieceBytesOf(sizeBytes);
  const buffer = Buffer.allocUnsafeSlow(pieceBytes);
  for (let piece = run.first; piece < run.first + run.count; piece++) {
    const wanted = pieceLength(sizeBytes, piece);
    const { bytesRead } = await file.read(buffer, 0, wanted, piece * pieceBytes);
    yield buffer.subarray(0, bytesRead);
  }
}
