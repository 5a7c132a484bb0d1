/** The format of events and state in the log: one JSON text per record, one JSON text per snapshot.
 *  A long record is compressed: reports of many tasks are alike, and writing them takes longer than
 *  compressing them. It begins with `z` and the length of its text (u32le, bytes); Zstandard
 *  follows.
 *
 *  Separate from the loop because a restart must read what an older loop has written. */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import {
  type CoordinatorState,
  emptyState,
  loadState,
  saveState,
  step,
} from "../../core/coordinator.ts";
import type { Effect } from "../../core/effect.ts";
import { ClusterError } from "../../core/error.ts";
import type { CoordinatorEvent } from "../../core/event.ts";
import type { Log, LogRecord } from "../../store/log/log.ts";

/** `Omit` for each kind of event alone, so that the union stays a union. */
type Untimed<E> = E extends CoordinatorEvent ? Omit<E, "atMs"> : never;
/** An event before the loop has given it its time. */
export type NewEvent = Untimed<CoordinatorEvent>;

/** The core's reply to an event. */
export type Reply = Extract<Effect, { kind: "reply" }>["value"];

const snapshotFormat = 1;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The JSON of an event without its time, made once when it is posted: its length counts for the
 *  inbox's bound. */
export function encodeBody(event: NewEvent): string {
  return JSON.stringify(event).slice(1);
}

/** An event as it waits for its turn. */
export type Recordable = {
  /** From `encodeBody`. */
  readonly body: string;
  /** Present when it was made of decoded JSON, so that its record reads as just this: reading it
   *  back would cost as much as all else that is done with it. */
  readonly read?: NewEvent;
};

export function recordBytes(body: string, atMs: number): Uint8Array {
  const bytes = encoder.encode(`{"atMs":${atMs},${body}`);
  return bytes.length < compressMinBytes ? bytes : compressed(bytes);
}

/** Shorter records take one page of the disk either way. */
const compressMinBytes = 4_096;
const compressedMark = 0x7a;
const headBytes = 5;
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

function compressed(bytes: Uint8Array): Uint8Array {
  const packed = zstdCompressSync(bytes, compression);
  const record = new Uint8Array(headBytes + packed.length);
  record[0] = compressedMark;
  new DataView(record.buffer).setUint32(1, bytes.length, true);
  record.set(packed, headBytes);
  return record;
}

function isCompressed(bytes: Uint8Array): boolean {
  return bytes[0] === compressedMark && bytes.length >= headBytes;
}

/** Of the text of a record, before it was compressed. */
export function textBytes({ bytes }: Pick<LogRecord, "bytes">): number {
  if (!isCompressed(bytes)) return bytes.length;
  return new DataView(bytes.buffer, bytes.byteOffset, headBytes).getUint32(1, true);
}

/** The JSON of a record. Throws what the decoders throw. */
export function textOf(record: Pick<LogRecord, "bytes">): string {
  const { bytes } = record;
  if (!isCompressed(bytes)) return decoder.decode(bytes);
  const maxOutputLength = Math.max(1, textBytes(record));
  return decoder.decode(zstdDecompressSync(bytes.subarray(headBytes), { maxOutputLength }));
}

/** The event of a record that was just written, as a replay will read it. */
export function eventOf({ read }: Recordable, record: LogRecord, atMs: number): CoordinatorEvent {
  return read === undefined ? decodeRecord(record) : ({ atMs, ...read } as CoordinatorEvent);
}

/** Throws `storage-failed` naming the position when the record is not an event. */
export function decodeRecord(record: LogRecord): CoordinatorEvent {
  try {
    const event = JSON.parse(textOf(record)) as CoordinatorEvent;
    if (typeof event.atMs === "number" && typeof event.kind === "string") return event;
  } catch {
    // Reported below, with the position.
  }
  throw new ClusterError(
    "storage-failed",
    `record ${record.position} of the log is not an event; restore the directory from a backup`,
  );
}

/** The end of a log: the state there, and what the loop needs to continue from it. */
export type LogEnd = {
  state: CoordinatorState;
  position: number;
  atMs: number;
  epoch: number;
  /** Of the newest snapshot; 0 = there is none. */
  snapshotBytes: number;
};

export function encodeSnapshot(end: LogEnd): Uint8Array {
  const { atMs, epoch } = end;
  const state = saveState(end.state);
  let text: string;
  try {
    text = JSON.stringify({ format: snapshotFormat, atMs, epoch, state });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const what = "the snapshot is longer than a text can be";
    throw new ClusterError("limit-exceeded", `${what}; remove ended jobs with \`tequio rm\``, {
      cause,
    });
  }
  return encoder.encode(text);
}

function decodeSnapshot(record: LogRecord): LogEnd {
  const { format, atMs, epoch, state } = JSON.parse(decoder.decode(record.bytes));
  if (format !== snapshotFormat) {
    throw new ClusterError(
      "version-mismatch",
      `the snapshot at position ${record.position} has format ${format}, this version reads ` +
        `${snapshotFormat}; start the version that wrote the data directory`,
    );
  }
  const snapshotBytes = record.bytes.length;
  return { state: loadState(state), position: record.position, atMs, epoch, snapshotBytes };
}

/** Records after the snapshot. */
export type ReplayProgress = { readonly done: number; readonly total: number };

/** Records between two checks of the clock. */
const lookEvery = 256;
/** A replay yields to other work this often, ms, and reports its progress then. */
const breathMs = 50;

/** Calls `said`, and lets timers and sockets of this process run, now and then. */
function breather(said: (progress: ReplayProgress) => void, nowMs: () => number) {
  let lastMs = nowMs();
  return async (progress: ReplayProgress): Promise<void> => {
    if (progress.done % lookEvery !== 0 || nowMs() - lastMs < breathMs) return;
    said(progress);
    await new Promise((resume) => setImmediate(resume));
    lastMs = nowMs();
  };
}

export type ReplayOptions = {
  /** Called with each record after the snapshot, and with the core's effects. */
  readonly replayed?: (
    record: LogRecord,
    event: CoordinatorEvent,
    effects: readonly Effect[],
  ) => void;
  /** Called now and then with the progress; other work of this process runs meanwhile. */
  readonly onProgress?: (progress: ReplayProgress) => void;
  readonly nowMs?: () => number;
  /** Continue from here, and change it, instead of loading the snapshot. */
  readonly from?: LogEnd;
};

async function startOf(log: Pick<Log, "loadSnapshot">): Promise<LogEnd> {
  const snapshot = await log.loadSnapshot();
  return snapshot === null
    ? { state: emptyState(), position: 0, atMs: 0, epoch: 0, snapshotBytes: 0 }
    : decodeSnapshot(snapshot);
}

/** Snapshot and replay. Effects are dropped: their recipients ask again (see core/effect.ts). */
export async function replay(
  log: Pick<Log, "loadSnapshot" | "read"> & Partial<Pick<Log, "last">>,
  { replayed, onProgress, nowMs = () => 0, ...options }: ReplayOptions = {},
): Promise<LogEnd> {
  const end = options.from ?? (await startOf(log));
  const from = end.position;
  const total = onProgress === undefined ? 0 : ((await log.last?.()) ?? from) - from;
  const breathe = onProgress === undefined ? null : breather(onProgress, nowMs);
  for await (const record of log.read(from)) {
    const event = decodeRecord(record);
    const effects = step(end.state, event);
    replayed?.(record, event, effects);
    end.position = record.position;
    // Not the event's time: a `clock-corrected` takes that back.
    end.atMs = end.state.atMs;
    if (event.kind === "coordinator-started") end.epoch = event.epoch;
    await breathe?.({ done: end.position - from, total });
  }
  return end;
}
