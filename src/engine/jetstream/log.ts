/** The log in JetStream: one batch of records is one message, which is stored only when the stream
 *  ends where this writer knows that it does. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import type { Blobs } from "../../store/blob/blob.ts";
import { sameHash } from "../../store/log/chain.ts";
import type { Log, LogRecord } from "../../store/log/log.ts";
import * as rules from "../../store/log/rules.ts";
import { readWitness, Witness } from "../../store/log/witness.ts";
import { type ChainPlace, layOut, sealBatch } from "../batch.ts";
import { isLost } from "../connection-lost.ts";
import { putSnapshot, sweepSnapshots } from "../snapshot-blob.ts";
import { retryMs, WriterTurns } from "../writer-turns.ts";
import { Connection, type ConnectionTimes } from "./connection.ts";
import { apiCodes, isApiError } from "./failure.ts";
import { type LogHead, namedBlobs, readHead, type StoredHead, swapHead } from "./head.ts";
import { encodeLarge, encodeMessage, type LogMessage, type StoredMessage } from "./message.ts";
import type { JetStreamPlace } from "./place.ts";
import { JetStreamReader } from "./reading.ts";
import { prepareStreams, streamNames } from "./streams.ts";

export type JetStreamLogOptions = {
  /** Snapshots and large batches, and nothing else: what the log does not name is deleted. */
  readonly snapshots: Blobs;
  /** File of the witness on this machine; null = none. */
  readonly witness: string | null;
  /** For the error that another writer gets. */
  readonly holder: string;
  /** Largest record; default 64 MiB. */
  readonly recordMaxBytes?: number;
  /** How long servers that are away are waited for before the log gives up, ms; default 60 s. */
  readonly awayMaxMs?: number;
  /** Largest message; default: what the servers allow. */
  readonly messageMaxBytes?: number;
  readonly times?: Partial<ConnectionTimes>;
};

/** What the client adds to a message at most, of its headers. */
const headersMaxBytes = 1_024;
const claimTriesMax = 5;
/** How long servers that do not answer are asked for the end of the log, ms: an election takes up
 *  to 9 s, and who waits for it holds the lease. */
const claimMs = 20_000;

/** Becomes the writer; the one before is fenced. Throws `unavailable`, `bad-request` for unsafe
 *  settings, `version-mismatch`, `fenced` when another opens it at the same moment,
 *  `storage-failed` when the log is damaged or ends before what this machine has seen of it. */
export async function openJetStreamLog(
  place: JetStreamPlace,
  options: JetStreamLogOptions,
): Promise<Log> {
  const connection = new Connection(place, options.times);
  try {
    await prepareStreams(connection);
    const reader = new JetStreamReader(connection, options.snapshots);
    const { end, stored } = await claim(connection, reader, options);
    const witness = options.witness === null ? null : new Witness(options.witness);
    witness?.write(end.last, end.hash);
    await sweepSnapshots(options.snapshots, namedBlobs(stored.head)).catch(() => {});
    return new JetStreamLog({ connection, reader, witness, end, stored }, options);
  } catch (error) {
    await connection.close();
    if (!isLost(error)) throw error;
    const text = `${place.name} cannot be reached (${error.message}); start again when it is back`;
    throw new ClusterError("unavailable", text, { cause: error });
  }
}

type Claimed = { readonly end: StoredMessage; readonly stored: StoredHead };

/** Ends the log with a message of this writer, so that the one before finds another end. */
async function claim(
  connection: Connection,
  reader: JetStreamReader,
  options: JetStreamLogOptions,
): Promise<Claimed> {
  const endMs = performance.now() + claimMs;
  for (let tries = 0; tries < claimTriesMax; ) {
    try {
      const claimed = await claimOnce(connection, reader, options);
      if (claimed !== null) return claimed;
      tries += 1;
    } catch (error) {
      if (!isLost(error) || performance.now() > endMs) throw error;
      await delay(retryMs);
    }
  }
  const text = `${reader.name} was opened by another process just now: retry`;
  throw new ClusterError("fenced", text);
}

/** Null when another writer changed it at the same moment. */
async function claimOnce(
  connection: Connection,
  reader: JetStreamReader,
  { holder, witness }: JetStreamLogOptions,
): Promise<Claimed | null> {
  // A try of before may have been stored.
  const before = await verified(reader, witness);
  const { last, hash } = before.end;
  const body = Buffer.from(holder);
  const sign = { kind: "claim", first: last + 1, last, previous: hash, hash, body } as const;
  const sequence = await publish(connection, sign, before.sequence);
  if (sequence === null) return null;
  const end = { ...sign, sequence };
  // The writer before may still have changed it.
  const stored = await readHead(reader.texts, reader.name);
  const head = { ...stored.head, holder };
  const changed = await swapHead(reader.texts, stored.sequence, head);
  return changed === null ? null : { end, stored: { head, sequence: changed } };
}

/** The end of the log, after checking that it is what was seen of it; `sequence` 0 in a new one. */
async function verified(reader: JetStreamReader, witnessFile: string | null) {
  const [end, stored, range] = await Promise.all([
    reader.end(),
    readHead(reader.texts, reader.name),
    reader.range(),
  ]);
  const { head } = stored;
  const { snapshot, trimmed, trimmedHash } = head;
  const { hash, last, sequence } = end ?? { last: trimmed, hash: trimmedHash, sequence: 0 };
  if (sequence < range.last && (await reader.end())?.sequence === end?.sequence) {
    const what = `is missing, the stream has had ${range.last} messages`;
    throw rules.damagedRecord(reader.name, last + 1, what);
  }
  // Its first writer began it with a message, and no purge takes the newest one.
  if (end === null && stored.sequence > 0) {
    const what = "is missing, the stream is empty and had a writer";
    throw rules.damagedRecord(reader.name, last + 1, what);
  }
  const seen = witnessFile === null ? null : readWitness(witnessFile);
  const known = [
    { by: "its head", position: Math.max(trimmed, snapshot.position), hash: null },
    { by: "the witness of this machine", position: 0, hash: null, ...seen },
  ];
  for (const { by, hash: seenHash, position } of known) {
    if (position > last) {
      const what = `is missing, ${by} has seen record ${position}`;
      throw rules.damagedRecord(reader.name, last + 1, what);
    }
    if (seenHash === null || position < trimmed || position === 0) continue;
    if (!sameHash(await reader.hashAt(position, end, head), seenHash)) {
      throw rules.damagedRecord(reader.name, position, `is not the one that ${by} has seen`);
    }
  }
  return { end: { last, hash }, sequence };
}

/** Null when the stream ends elsewhere. */
async function publish(
  connection: Connection,
  message: LogMessage,
  lastSequence: number,
): Promise<number | null> {
  const { log, logSubject } = streamNames(connection.place);
  const bytes = encodeMessage(message);
  const expect = { streamName: log, lastSequence };
  try {
    return await connection.use(async ({ js }) => {
      return (await js.publish(logSubject, bytes, { expect, timeout: connection.writeMs })).seq;
    });
  } catch (error) {
    if (isApiError(error, apiCodes.wrongSequence)) return null;
    throw error;
  }
}

type Parts = Claimed & {
  readonly connection: Connection;
  readonly reader: JetStreamReader;
  readonly witness: Witness | null;
};

class JetStreamLog implements Log {
  readonly #connection: Connection;
  readonly #reader: JetStreamReader;
  readonly #witness: Witness | null;
  readonly #options: JetStreamLogOptions;
  readonly #name: string;
  readonly #turns: WriterTurns;
  /** Always up to date, since nothing else may write. */
  #end: StoredMessage;
  #stored: StoredHead;

  constructor({ connection, end, reader, stored, witness }: Parts, options: JetStreamLogOptions) {
    this.#connection = connection;
    this.#reader = reader;
    this.#witness = witness;
    this.#options = options;
    this.#end = end;
    this.#stored = stored;
    this.#name = connection.place.name;
    this.#turns = new WriterTurns(this.#name, options.awayMaxMs);
  }

  async append(records: readonly Uint8Array[], after: number): Promise<number> {
    this.#turns.mustWrite();
    const batch = layOut(records, this.#name, this.#options.recordMaxBytes);
    return this.#turns.run(() => this.#append(batch, records.length, after));
  }

  async *read(after: number): AsyncIterable<LogRecord> {
    this.#turns.mustBeOpen();
    const end = this.#end;
    const { trimmed } = this.#stored.head;
    if (after >= end.last) return;
    if (after < trimmed) throw rules.trimmedLog(this.#name, trimmed, after + 1);
    yield* this.#reader.records(after, end, () => this.#turns.mustBeOpen());
  }

  async last(): Promise<number> {
    this.#turns.mustBeOpen();
    return this.#end.last;
  }

  async saveSnapshot(position: number, bytes: Uint8Array): Promise<void> {
    this.#turns.mustWrite();
    const from = Math.max(0, this.#stored.head.snapshot.position);
    rules.checkSnapshot(this.#name, position, { from, to: this.#end.last });
    const { snapshots } = this.#options;
    const snapshot = await putSnapshot(snapshots, position, bytes);
    await this.#turns.run(async () => {
      const { blob } = this.#stored.head.snapshot;
      await this.#change({ snapshot });
      // What stays is removed by the next start.
      if (blob !== "" && blob !== snapshot.blob) await snapshots.delete(blob).catch(() => {});
    });
  }

  async loadSnapshot(): Promise<LogRecord | null> {
    this.#turns.mustBeOpen();
    return this.#reader.snapshot();
  }

  async trim(position: number): Promise<void> {
    this.#turns.mustWrite();
    rules.checkTrim(this.#name, position, Math.max(0, this.#stored.head.snapshot.position));
    await this.#turns.run(async () => {
      const { head } = this.#stored;
      if (position <= head.trimmed) return;
      let { trimmedHash } = head;
      await this.#turns.patiently(async () => {
        trimmedHash = await this.#reader.hashAt(position, this.#end, head);
      });
      const large = head.large.filter(({ last }) => last > position);
      await this.#change({ trimmed: position, trimmedHash, large });
      await this.#purge(position);
      const kept = namedBlobs(this.#stored.head);
      for (const { blob } of head.large) {
        if (!kept.has(blob)) await this.#options.snapshots.delete(blob).catch(() => {});
      }
    });
  }

  async close(): Promise<void> {
    if (!(await this.#turns.end())) return;
    this.#witness?.close();
    await this.#connection.close();
  }

  async #append(batch: Buffer, count: number, after: number): Promise<number> {
    const { hash: previous, last } = this.#end;
    if (after !== last) throw rules.fencedLog(this.#name, `it ends at ${last}, not at ${after}`);
    if (count === 0) {
      await this.#turns.patiently(() => this.#mustBeEnd());
      return last;
    }
    const end = sealBatch(batch, { position: last, hash: previous });
    const place = { first: last + 1, last: end.position, previous, hash: end.hash };
    const message = { kind: "batch", ...place, body: batch } as const;
    const fits = batch.byteLength + headersMaxBytes <= (await this.#messageMaxBytes());
    await this.#put(fits ? message : await this.#laidAside(message), end);
    this.#witness?.write(end.position, end.hash);
    return end.position;
  }

  async #put(message: LogMessage, end: ChainPlace): Promise<void> {
    const { sequence } = this.#end;
    const isDone = async () => {
      const newest = await this.#reader.end();
      if (newest?.sequence === sequence) return false;
      if (newest?.sequence === sequence + 1 && sameHash(newest.hash, end.hash)) return true;
      throw this.#turns.takenOver();
    };
    await this.#turns.patiently(async () => {
      const stored = await publish(this.#connection, message, sequence);
      // One that was sent before may have been stored meanwhile.
      if (stored === null && !(await isDone())) throw this.#turns.takenOver();
    }, isDone);
    // The bytes of records are not needed any more.
    this.#end = { ...message, body: new Uint8Array(0), sequence: sequence + 1 };
  }

  /** The same message, with its records in a blob. */
  async #laidAside(message: LogMessage): Promise<LogMessage> {
    const { hash: blob } = await this.#options.snapshots.put([message.body]);
    const { large } = this.#stored.head;
    await this.#change({ large: [...large, { blob, last: message.last }] });
    return { ...message, kind: "large", body: encodeLarge(blob) };
  }

  async #messageMaxBytes(): Promise<number> {
    const { messageMaxBytes } = this.#options;
    if (messageMaxBytes !== undefined) return messageMaxBytes;
    return this.#connection.use(async ({ nc }) => nc.info?.max_payload ?? 1 << 20);
  }

  async #change(change: Partial<LogHead>): Promise<void> {
    const head = { ...this.#stored.head, ...change };
    const isDone = async () => {
      const now = await readHead(this.#reader.texts, this.#name);
      if (now.sequence === this.#stored.sequence) return false;
      // Only this writer writes it while the log ends with its message.
      await this.#mustBeEnd();
      this.#stored = now;
      return JSON.stringify(now.head) === JSON.stringify(head);
    };
    await this.#turns.patiently(async () => {
      const sequence = await swapHead(this.#reader.texts, this.#stored.sequence, head);
      if (sequence !== null) this.#stored = { head, sequence };
      else if (!(await isDone())) throw this.#turns.takenOver();
    }, isDone);
  }

  async #mustBeEnd(): Promise<void> {
    const newest = await this.#reader.end();
    if (newest?.sequence === this.#end.sequence) return;
    throw this.#turns.refuse(this.#turns.takenOver());
  }

  /** Messages up to the position, but never the newest one: it says where the log ends. */
  async #purge(position: number): Promise<void> {
    const kept = await this.#reader.find(position + 1, this.#end);
    const seq = kept?.sequence ?? this.#end.sequence;
    const { log } = streamNames(this.#connection.place);
    await this.#turns.patiently(() =>
      this.#connection.use(({ jsm }) => jsm.streams.purge(log, { seq })),
    );
  }
}
