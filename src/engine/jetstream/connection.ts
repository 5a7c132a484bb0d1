/** One connection to the servers of a JetStream, opened again when it is lost. Each request has a
 *  time limit. */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { ConnectionOptions, NatsConnection } from "@nats-io/transport-node";
import { ClusterError } from "../../core/error.ts";
import { ConnectionLost, isLost } from "../connection-lost.ts";
import { jetStreamFailure } from "./failure.ts";
import { loadNats, type Nats } from "./load.ts";
import type { JetStreamPlace } from "./place.ts";

export type ConnectionTimes = {
  /** Longest wait for a connection, ms. */
  readonly connectMs: number;
  /** Longest wait for one answer, ms. */
  readonly answerMs: number;
};

const defaultTimes: ConnectionTimes = { connectMs: 5_000, answerMs: 5_000 };
/** A server that is silent is left after this, ms. */
const pingMs = 2_000;
/** Before a question is asked again, and before a write counts as lost, ms: while its stream has no
 *  leader, both are dropped without an answer, for 4 to 9 s after a leader was killed. */
const lookMs = 500;
const writeMs = 1_000;

export type Opened = {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
};

export class Connection {
  readonly place: JetStreamPlace;
  readonly #times: ConnectionTimes;
  #opened: Promise<Opened> | null = null;
  #closed = false;

  constructor(place: JetStreamPlace, times: Partial<ConnectionTimes> = {}) {
    this.place = place;
    this.#times = { ...defaultTimes, ...times };
  }

  /** Longest wait for the acknowledgement of a write, ms: it is made with what it expects of the
   *  stream, so that a second one of the same cannot be stored, too. */
  get writeMs(): number {
    return Math.min(writeMs, this.#times.answerMs);
  }

  /** Rejects with `ConnectionLost` when the request may or may not have been carried out. */
  async use<T>(request: (opened: Opened) => Promise<T>): Promise<T> {
    try {
      return await this.#inTime(request(await this.#connected()));
    } catch (error) {
      throw jetStreamFailure(error, this.place.name);
    }
  }

  /** The same for a request that changes nothing: it is sent again and again until one of them is
   *  answered, or `answerMs` are over. */
  async look<T>(request: (opened: Opened) => Promise<T>): Promise<T> {
    const { answerMs } = this.#times;
    const endMs = performance.now() + answerMs;
    const over = new AbortController();
    const { promise, reject, resolve } = Promise.withResolvers<T>();
    let lost = new ConnectionLost(`no answer in ${answerMs} ms`);
    const send = () => {
      this.use(request).then(resolve, (error: unknown) => {
        if (isLost(error)) lost = error;
        else reject(error);
      });
    };
    const repeat = async () => {
      while (performance.now() < endMs) {
        send();
        await delay(lookMs, null, { signal: over.signal });
      }
      reject(lost);
    };
    // Rejects once it is aborted.
    repeat().catch(() => {});
    return promise.finally(() => over.abort());
  }

  /** As `use`, with errors for users: `unavailable` when the servers cannot be reached. */
  async ask<T>(request: (opened: Opened) => Promise<T>): Promise<T> {
    try {
      return await this.use(request);
    } catch (error) {
      if (!isLost(error)) throw error;
      const why = `${this.place.name} cannot be reached (${error.message})`;
      const text = `${why}; check that the NATS servers run there, with JetStream`;
      throw new ClusterError("unavailable", text, { cause: error });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const opened = this.#opened;
    this.#opened = null;
    await opened?.then(
      ({ nc }) => nc.close(),
      () => {},
    );
  }

  #connected(): Promise<Opened> {
    if (this.#closed) {
      throw new ClusterError("unavailable", `${this.place.name} is closed: open it again`);
    }
    if (this.#opened !== null) return this.#opened;
    const opened = this.#connect();
    this.#opened = opened;
    const forget = () => {
      if (this.#opened === opened) this.#opened = null;
    };
    opened.then(({ nc }) => nc.closed().then(forget, forget), forget);
    return opened;
  }

  async #connect(): Promise<Opened> {
    const nats = await loadNats();
    const { connectMs, answerMs: timeout } = this.#times;
    const nc = await nats.connect({
      ...credentials(nats, this.place),
      servers: [...this.place.servers],
      timeout: connectMs,
      name: `tequio ${this.place.cluster}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      reconnectJitter: 50,
      pingInterval: pingMs,
      maxPingOut: 2,
    });
    const options = { timeout, checkAPI: false };
    const jsm = await nats.jetstreamManager(nc, options);
    return { nc, js: nats.jetstream(nc, options), jsm };
  }

  /** Its own clock: while the client reconnects, requests wait. */
  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const limitMs = this.#times.answerMs + this.#times.connectMs;
    const { promise, reject } = Promise.withResolvers<never>();
    const late = () => reject(new ConnectionLost(`no answer in ${limitMs} ms`));
    const timer = setTimeout(late, limitMs);
    try {
      return await Promise.race([answer, promise]);
    } finally {
      clearTimeout(timer);
      answer.catch(() => {});
    }
  }
}

/** From the environment: other users can see a command line. */
function credentials(nats: Nats, { isTls }: JetStreamPlace): Partial<ConnectionOptions> {
  const { NATS_CA, NATS_CREDS, NATS_PASSWORD, NATS_TOKEN, NATS_USER } = process.env;
  const tls = isTls || NATS_CA ? { tls: NATS_CA ? { caFile: NATS_CA } : {} } : {};
  if (NATS_CREDS) {
    const authenticator = nats.credsAuthenticator(readFileSync(NATS_CREDS));
    return { ...tls, authenticator };
  }
  if (NATS_USER) return { ...tls, user: NATS_USER, pass: NATS_PASSWORD ?? "" };
  return NATS_TOKEN ? { ...tls, token: NATS_TOKEN } : tls;
}
