/** PostgreSQL as an engine: log, lease and shared files of a cluster in one schema. */
import type { LeaseEntry } from "../../core/lease.ts";
import type { Blobs } from "../../store/blob/blob.ts";
import type { Log, LogRecord } from "../../store/log/log.ts";
import * as rules from "../../store/log/rules.ts";
import type { Engine, FollowedLog, LeaseRegister, LogOptions } from "../engine.ts";
import { openPostgresLog } from "./log.ts";
import { type PostgresPlace, postgresPlace } from "./place.ts";
import { PostgresReader } from "./reading.ts";
import { prepare } from "./schema.ts";
import { Session } from "./session.ts";

/** Longest wait for an answer about the lease, ms: a later one is of no use. */
const leaseAnswerMs = 1_500;

/** Throws `unavailable`, `bad-request` for unsafe settings, `version-mismatch`. */
export async function openPostgres(url: string): Promise<Engine> {
  const place = postgresPlace(url);
  const session = new Session(place);
  try {
    await prepare(session);
    return new PostgresEngine(place, session);
  } catch (error) {
    await session.close();
    throw error;
  }
}

class PostgresEngine implements Engine {
  readonly name: string;
  readonly #place: PostgresPlace;
  readonly #session: Session;

  constructor(place: PostgresPlace, session: Session) {
    this.name = place.name;
    this.#place = place;
    this.#session = session;
  }

  openLog(options: LogOptions): Promise<Log> {
    return openPostgresLog(this.#place, options);
  }

  async followLog(snapshots: Blobs): Promise<FollowedLog> {
    return new PostgresFollower(new Session(this.#place), snapshots);
  }

  lease(): LeaseRegister {
    const times = { connectMs: leaseAnswerMs, answerMs: leaseAnswerMs };
    return new PostgresLease(new Session(this.#place, times));
  }

  async keep(name: string, text: string, how = { replaces: false }): Promise<string> {
    const change = how.replaces ? "(name) DO UPDATE SET bytes = excluded.bytes" : "DO NOTHING";
    const put = `INSERT INTO {}.kept VALUES ($1, $2) ON CONFLICT ${change}`;
    await this.#session.ask({ text: put }, [name, Buffer.from(text)]);
    return (await this.kept(name)) ?? text;
  }

  async kept(name: string): Promise<string | null> {
    const read = "SELECT bytes FROM {}.kept WHERE name = $1";
    const [row] = await this.#session.ask({ text: read }, [name]);
    return row === undefined ? null : (row.bytes as Buffer).toString();
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}

class PostgresFollower implements FollowedLog {
  readonly #session: Session;
  readonly #reader: PostgresReader;
  #closed = false;

  constructor(session: Session, snapshots: Blobs) {
    this.#session = session;
    this.#reader = new PostgresReader(session, snapshots);
  }

  async last(): Promise<number> {
    return (await this.#reader.head()).last;
  }

  loadSnapshot(): Promise<LogRecord | null> {
    return this.#reader.snapshot();
  }

  async *read(after: number): AsyncIterable<LogRecord> {
    const { last, trimmed } = await this.#reader.head();
    if (after < trimmed) throw rules.trimmedLog(this.#reader.name, trimmed, after + 1);
    yield* this.#reader.records(after, last, () => {
      if (this.#closed) throw rules.closedLog(this.#reader.name);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#session.close();
  }
}

const entryColumns = "term, beat, holder, note";

class PostgresLease implements LeaseRegister {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async read(): Promise<LeaseEntry | null> {
    const [row] = await this.#session.run({ text: `SELECT ${entryColumns} FROM {}.lease` });
    if (row === undefined) return null;
    const { beat, holder, note, term } = row;
    return { term: Number(term), beat: Number(beat), holder: String(holder), note: String(note) };
  }

  async swap(expected: LeaseEntry | null, next: LeaseEntry): Promise<boolean> {
    const { beat, holder, note, term } = next;
    const values: unknown[] = [term, beat, holder, note];
    if (expected === null) {
      const text = `INSERT INTO {}.lease VALUES (1, $1, $2, $3, $4) ON CONFLICT DO NOTHING`;
      return (await this.#session.run({ text: `${text} RETURNING slot` }, values)).length > 0;
    }
    const text =
      "UPDATE {}.lease SET term = $1, beat = $2, holder = $3, note = $4 " +
      "WHERE term = $5 AND beat = $6 RETURNING slot";
    values.push(expected.term, expected.beat);
    return (await this.#session.run({ name: "swap", text }, values)).length > 0;
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
