/** One connection to PostgreSQL, opened again when it is lost. Each statement is a transaction by
 *  itself, and has a time limit.
 *
 *  Values come as text: the binary format of the client has returned wrong ones. */
import type { Client } from "pg";
import { ClusterError } from "../../core/error.ts";
import { ConnectionLost, isLost } from "../connection-lost.ts";
import { isEnding, postgresFailure, unreachable } from "./failure.ts";
import { loadPg } from "./load.ts";
import type { PostgresPlace } from "./place.ts";

export type SessionTimes = {
  /** Longest wait for a connection, ms. */
  readonly connectMs: number;
  /** Longest wait for the answer to one statement, ms. */
  readonly answerMs: number;
};

export const defaultTimes: SessionTimes = { connectMs: 5_000, answerMs: 30_000 };

/** `name`: prepared once a connection under it; absent = not prepared. `{}` in it is the schema. */
export type Statement = { readonly name?: string; readonly text: string };

export type Row = Readonly<Record<string, unknown>>;

export class Session {
  readonly place: PostgresPlace;
  readonly #times: SessionTimes;
  #client: Promise<Client> | null = null;
  #closed = false;
  /** Of the newest statement; "" = there was none. */
  #warning = "";

  constructor(place: PostgresPlace, times: Partial<SessionTimes> = {}) {
    this.place = place;
    this.#times = { ...defaultTimes, ...times };
  }

  /** A warning that the server sent with the newest statement: a commit that was not replicated
   *  succeeds with nothing else. */
  get warning(): string {
    return this.#warning;
  }

  /** Rows of one statement. Rejects with `ConnectionLost` when it may or may not have been run. */
  async run(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    const client = await this.#connected();
    const { name } = statement;
    const text = statement.text.replaceAll("{}", `"${this.place.schema}"`);
    const query = { text, values: [...values], ...(name === undefined ? {} : { name }) };
    this.#warning = "";
    try {
      const answer = await this.#inTime(client.query(query));
      return answer.rows ?? [];
    } catch (error) {
      const failure = postgresFailure(error, this.place.name);
      if (isLost(failure)) this.#drop();
      throw failure;
    }
  }

  /** The same, with errors for users: `unavailable` when the database cannot be reached. */
  async ask(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      return await this.run(statement, values);
    } catch (error) {
      throw isLost(error) ? unreachable(this.place.name, error) : error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#drop();
  }

  async #connected(): Promise<Client> {
    if (this.#closed) {
      throw new ClusterError("unavailable", `${this.place.name} is closed: open it again`);
    }
    this.#client ??= this.#connect();
    const client = this.#client;
    try {
      return await client;
    } catch (error) {
      if (this.#client === client) this.#client = null;
      throw error;
    }
  }

  async #connect(): Promise<Client> {
    const { Client } = await loadPg();
    const { name, schema, url } = this.place;
    const client = new Client({
      connectionString: url,
      connectionTimeoutMillis: this.#times.connectMs,
      keepAlive: true,
      application_name: `tequio ${schema}`,
    });
    client.on("error", () => this.#forget(client));
    client.on("end", () => this.#forget(client));
    client.on("notice", ({ code = "", message, severity }) => {
      // That the server ends says nothing of the statement before.
      if (severity === "WARNING" && !isEnding(code)) this.#warning = message ?? "a warning";
    });
    try {
      await client.connect();
      return client;
    } catch (error) {
      destroy(client);
      throw postgresFailure(error, name);
    }
  }

  /** Its own clock: a connection whose peer is silent neither answers nor fails. */
  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const { answerMs } = this.#times;
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new ConnectionLost(`no answer in ${answerMs} ms`)),
      answerMs,
    );
    try {
      return await Promise.race([answer, promise]);
    } finally {
      clearTimeout(timer);
      // The loser of the race has no other reader.
      answer.catch(() => {});
    }
  }

  #forget(client: Client): void {
    void this.#client?.then((current) => {
      if (current === client) this.#client = null;
    }, ignore);
  }

  /** Ends the connection at once: what it still does is of no use. */
  #drop(): void {
    const client = this.#client;
    this.#client = null;
    client?.then(destroy, ignore);
  }
}

function ignore(): void {}

function destroy(client: Client): void {
  client.on("error", ignore);
  const { connection } = client as unknown as {
    readonly connection: { readonly stream: { destroy(): void } };
  };
  connection.stream.destroy();
}
