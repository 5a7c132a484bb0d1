/** NATS JetStream as an engine: log, lease and shared files of a cluster in two streams. */
import type { LeaseEntry } from "../../core/lease.ts";
import type { Blobs } from "../../store/blob/blob.ts";
import type { Log, LogRecord } from "../../store/log/log.ts";
import * as rules from "../../store/log/rules.ts";
import type { Engine, FollowedLog, LeaseRegister, LogOptions } from "../engine.ts";
import { Connection } from "./connection.ts";
import { openJetStreamLog } from "./log.ts";
import { type JetStreamPlace, jetStreamPlace, type PlaceOptions } from "./place.ts";
import { JetStreamReader } from "./reading.ts";
import { prepareStreams } from "./streams.ts";
import { Texts } from "./texts.ts";

/** Longest wait for an answer about the lease, ms: a later one is of no use. */
const leaseAnswerMs = 1_500;

/** Throws `unavailable`, `bad-request` for unsafe settings, `version-mismatch`. */
export async function openJetStream(url: string, options: PlaceOptions): Promise<Engine> {
  const connection = new Connection(jetStreamPlace(url, options));
  try {
    await prepareStreams(connection);
    return new JetStreamEngine(connection);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class JetStreamEngine implements Engine {
  readonly name: string;
  readonly #place: JetStreamPlace;
  readonly #connection: Connection;
  readonly #texts: Texts;

  constructor(connection: Connection) {
    this.name = connection.place.name;
    this.#place = connection.place;
    this.#connection = connection;
    this.#texts = new Texts(connection);
  }

  openLog(options: LogOptions): Promise<Log> {
    return openJetStreamLog(this.#place, options);
  }

  async followLog(snapshots: Blobs): Promise<FollowedLog> {
    return new JetStreamFollower(new Connection(this.#place), snapshots);
  }

  lease(): LeaseRegister {
    const times = { connectMs: leaseAnswerMs, answerMs: leaseAnswerMs };
    return new JetStreamLease(new Connection(this.#place, times));
  }

  async keep(name: string, text: string, how = { replaces: false }): Promise<string> {
    const key = keptName(name);
    await this.#connection.ask(async () => {
      if (how.replaces) await this.#texts.replace(key, text);
      else await this.#texts.swap(key, 0, text);
    });
    return (await this.kept(name)) ?? text;
  }

  async kept(name: string): Promise<string | null> {
    const stored = await this.#connection.ask(() => this.#texts.read(keptName(name)));
    return stored?.text ?? null;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

function keptName(name: string): string {
  return `kept/${name}`;
}

class JetStreamFollower implements FollowedLog {
  readonly #connection: Connection;
  readonly #reader: JetStreamReader;
  #closed = false;

  constructor(connection: Connection, snapshots: Blobs) {
    this.#connection = connection;
    this.#reader = new JetStreamReader(connection, snapshots);
  }

  async last(): Promise<number> {
    return (await this.#reader.end())?.last ?? (await this.#reader.head()).trimmed;
  }

  loadSnapshot(): Promise<LogRecord | null> {
    return this.#reader.snapshot();
  }

  async *read(after: number): AsyncIterable<LogRecord> {
    const [end, { trimmed }] = await Promise.all([this.#reader.end(), this.#reader.head()]);
    if (after < trimmed) throw rules.trimmedLog(this.#reader.name, trimmed, after + 1);
    if (end === null || after >= end.last) return;
    yield* this.#reader.records(after, end, () => {
      if (this.#closed) throw rules.closedLog(this.#reader.name);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connection.close();
  }
}

const leaseName = "lease";

class JetStreamLease implements LeaseRegister {
  readonly #connection: Connection;
  readonly #texts: Texts;
  /** Of the entry that was last read or written: saves a read before each renewal. */
  #known: { readonly entry: LeaseEntry; readonly sequence: number } | null = null;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#texts = new Texts(connection);
  }

  async read(): Promise<LeaseEntry | null> {
    const stored = await this.#texts.read(leaseName);
    if (stored === null) {
      this.#known = null;
      return null;
    }
    const entry = JSON.parse(stored.text) as LeaseEntry;
    this.#known = { entry, sequence: stored.sequence };
    return entry;
  }

  async swap(expected: LeaseEntry | null, next: LeaseEntry): Promise<boolean> {
    const known = this.#known;
    const isKnown = expected !== null && known !== null && isSame(known.entry, expected);
    const now = isKnown ? known.entry : await this.read();
    if (!isSame(now, expected)) return false;
    const before = this.#known?.sequence ?? 0;
    const text = JSON.stringify(next);
    this.#known = null;
    const sequence = await this.#texts.swap(leaseName, before, text);
    if (sequence === null) return false;
    this.#known = { entry: next, sequence };
    return true;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

function isSame(a: LeaseEntry | null, b: LeaseEntry | null): boolean {
  return a?.term === b?.term && a?.beat === b?.beat;
}
