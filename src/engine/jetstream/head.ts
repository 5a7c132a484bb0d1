/** The one text about a log in JetStream as a whole: what its messages do not say. Sealed, so that
 *  a changed byte is found. */
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { hashBytes, sealOf } from "../../store/log/chain.ts";
import type { SnapshotName } from "../snapshot-blob.ts";
import type { Texts } from "./texts.ts";

export type LogHead = {
  /** Of the writer that wrote it, for people. */
  readonly holder: string;
  readonly snapshot: SnapshotName;
  /** Last position that was trimmed, and its hash: where the chain starts. */
  readonly trimmed: number;
  readonly trimmedHash: Uint8Array;
  /** Batches that are too large for a message, with the position of their last record. */
  readonly large: ReadonlyArray<{ readonly blob: Hash; readonly last: number }>;
};

/** `sequence` 0 = there was none yet. */
export type StoredHead = { readonly head: LogHead; readonly sequence: number };

const textName = "head";

const newHead: LogHead = {
  holder: "",
  snapshot: { position: -1, blob: "", seal: new Uint8Array(0) },
  trimmed: 0,
  trimmedHash: new Uint8Array(hashBytes),
  large: [],
};

/** Throws `storage-failed` when it is damaged; `log` is the log's name. */
export async function readHead(texts: Texts, log: string): Promise<StoredHead> {
  const stored = await texts.read(textName);
  if (stored === null) return { head: newHead, sequence: 0 };
  return { head: decode(stored.text, log), sequence: stored.sequence };
}

/** Replaces the head with this sequence; null when there is another one. */
export function swapHead(texts: Texts, before: number, head: LogHead): Promise<number | null> {
  return texts.swap(textName, before, encode(head));
}

/** Blobs that the log names. */
export function namedBlobs({ large, snapshot }: LogHead): Set<Hash> {
  return new Set([snapshot.blob, ...large.map(({ blob }) => blob)].filter((blob) => blob !== ""));
}

function encode({ holder, large, snapshot, trimmed, trimmedHash }: LogHead): string {
  const { blob, position, seal } = snapshot;
  const named = { position, blob, seal: hex(seal) };
  const json = JSON.stringify({
    holder,
    snapshot: named,
    trimmed,
    trimmedHash: hex(trimmedHash),
    large,
  });
  return `${hex(sealOf([json]))} ${json}`;
}

function decode(text: string, log: string): LogHead {
  const at = text.indexOf(" ");
  const json = text.slice(at + 1);
  if (at === -1 || text.slice(0, at) !== hex(sealOf([json]))) {
    const what = `what ${log} says of its snapshot is damaged`;
    throw new ClusterError("storage-failed", `${what}: restore the cluster from a backup`);
  }
  const { holder, large, snapshot, trimmed, trimmedHash } = JSON.parse(json);
  const seal = Buffer.from(snapshot.seal, "hex");
  return {
    holder,
    snapshot: { ...snapshot, seal },
    trimmed,
    trimmedHash: Buffer.from(trimmedHash, "hex"),
    large,
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
