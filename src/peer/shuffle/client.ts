/** Reads outputs of a job from the workers that have them: one connection to each, a few to those
 *  that are far, a session for each ticket. */
import { ClusterError } from "../../core/error.ts";
import { Reach } from "../../core/transfer/reach.ts";
import { GrpcClient } from "../../link/grpc/client.ts";
import { dial } from "../../link/grpc/dial.ts";
import { decode, encode, fileBytesOf } from "../../wire/p4/data.ts";
import { bracketed } from "../../wire/p4/share-link.ts";
import * as shuffle from "../../wire/p4/shuffle.ts";
import { Beside, type Connection } from "./beside.ts";
import { parseTicket, proofOf, type TicketText } from "./ticket.ts";

export type StageSource = {
  /** As its worker reported it: `grpc://…` or `grpcs://…`. */
  readonly address: string;
  readonly ticket: TicketText;
  readonly job: string;
  readonly stage: number;
};

export type WantedPart = {
  readonly task: number;
  readonly attempt: number;
  /** "manifest", or the index of a partition. */
  readonly part: number | "manifest";
};

export type ShuffleClientLimits = {
  readonly connectMs: number;
  /** Of a challenge and of an `open`; longest silence of a `read`, ms. */
  readonly idleMs: number;
};

export type ReadOptions = {
  /** Of the whole read, ms. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
};

/** What fails sooner costs nothing and is tried again at once, ms. */
const slowFailureMs = 1_000;
/** Sessions of one connection that are kept. */
const sessionsMax = 256;
/** Buffers that are kept to be filled again. */
const spareMax = 64;

export class ShuffleClient {
  readonly #refuse: (ip: string) => string | null;
  readonly #limits: ShuffleClientLimits;
  readonly #open = new Map<string, Promise<Connection>>();
  readonly #beside = new Beside();
  readonly #spare: Uint8Array[] = [];
  readonly #reach = new Reach();
  /** Since when. */
  readonly #dialling = new Map<string, number>();

  /** `refuse`: why this IP must not be dialled, or null. */
  constructor(refuse: (ip: string) => string | null, limits: ShuffleClientLimits) {
    this.#refuse = refuse;
    this.#limits = limits;
  }

  /** Sources to which there is, or is about to be, a connection. */
  get sourceCount(): number {
    return this.#open.size;
  }

  /** The content as it arrives, not verified; a chunk is valid until the next one is requested.
   *  Throws `not-found`, `unauthenticated` for an expired ticket, `unavailable`. */
  async *read(
    from: StageSource,
    wanted: WantedPart,
    options: ReadOptions,
  ): AsyncGenerator<Uint8Array, void> {
    const { connection, session } = await this.#chosen(from, options.signal);
    const { client, sessions } = connection;
    const { attempt, part, task } = wanted;
    const request = { session, task, attempt, part: part === "manifest" ? 0 : part + 1 };
    const silence = new Silence(this.#limits.idleMs);
    const taken: Uint8Array[] = [];
    try {
      for await (const answer of client.stream(
        shuffle.shufflePaths.read,
        [encode(shuffle.readPartRequest, request, shuffle.shuffleMaxBytes.request)],
        {
          limitMs: Math.min(2 ** 31 - 1, Math.ceil(options.limitMs)),
          answerMaxBytes: shuffle.shuffleMaxBytes.part,
          allocate: (length) => this.#allocate(length, taken),
          signal: AbortSignal.any([options.signal, silence.signal]),
        },
      )) {
        yield fileBytesOf(answer, shuffle.partMessageBytes);
        silence.heard();
        // Messages arrive in the order in which their memory was allocated.
        this.#giveBack(taken.shift());
      }
    } catch (error) {
      if (error instanceof ClusterError && error.code === "unauthenticated") {
        sessions.delete(from.ticket);
      }
      throw error;
    } finally {
      connection.reads--;
      silence.end();
    }
  }

  async #chosen(from: StageSource, signal: AbortSignal) {
    const { address } = from;
    const first = await this.#connection(address, signal);
    const opened = await this.#session(first, from);
    this.#beside.widen(address, first, async () => {
      const one = await this.#dial(address);
      // Its first read does not wait for it.
      await this.#session(one, from).catch(() => {});
      return one;
    });
    const connection = this.#beside.pick(address, first);
    connection.reads++;
    try {
      const session = connection === first ? opened : await this.#session(connection, from);
      return { connection, session };
    } catch (error) {
      connection.reads--;
      throw error;
    }
  }

  /** Whether there is a connection, after `waitMs` at most. If there is none by then, dialling goes
   *  on beside; one that could not be reached lately is not waited for. */
  async isNear(address: string, waitMs: number): Promise<boolean> {
    const near = this.#connection(address, new AbortController().signal).then(
      () => true,
      // Of other failures reading says what they are.
      (error) => !(error instanceof ClusterError && error.code === "unavailable"),
    );
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const sinceMs = this.#dialling.get(address);
    const waitedMs = sinceMs === undefined ? 0 : performance.now() - sinceMs;
    const timer = setTimeout(() => resolve(false), Math.max(0, waitMs - waitedMs));
    return Promise.race([near, promise]).finally(() => clearTimeout(timer));
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    this.#beside.close();
    for (const one of all) (await one.catch(() => null))?.client.close();
  }

  async #connection(address: string, signal: AbortSignal): Promise<Connection> {
    const pending = this.#open.get(address);
    // Callers that wait for the same dial share its outcome.
    const known = await pending;
    if (known?.client.isOpen) return known;
    signal.throwIfAborted();
    const other = this.#open.get(address);
    if (other !== undefined && other !== pending) return other;
    const away = this.#reach.away(address);
    if (away === null) return this.#keep(address, this.#dialled(address));
    if (this.#reach.mayTry(address, performance.now())) {
      const again = this.#dialled(address);
      again.then(() => this.#keep(address, again)).catch(() => {});
    }
    throw notReached(address, away);
  }

  #dialled(address: string): Promise<Connection> {
    const sinceMs = performance.now();
    const made = this.#dial(address);
    made.then(
      () => this.#reach.reached(address),
      (error: Error) => {
        const nowMs = performance.now();
        const isSlow = nowMs - sinceMs >= Math.min(slowFailureMs, this.#limits.connectMs / 2);
        if (isSlow) this.#reach.failed(address, error.message, nowMs);
      },
    );
    return made;
  }

  #keep(address: string, made: Promise<Connection>): Promise<Connection> {
    this.#open.set(address, made);
    const sinceMs = performance.now();
    this.#dialling.set(address, sinceMs);
    const isOver = () => {
      if (this.#dialling.get(address) === sinceMs) this.#dialling.delete(address);
    };
    made.then(isOver, isOver);
    const forget = () => {
      if (this.#open.get(address) === made) this.#open.delete(address);
    };
    made.then(({ client }) => client.closed).then(forget, forget);
    return made;
  }

  async #dial(address: string): Promise<Connection> {
    const place = shuffle.parseExchange(address);
    if (place === null) throw new ClusterError("bad-request", `${address} is no exchange address`);
    const { connectMs: limitMs, idleMs } = this.#limits;
    const socket = await dial({ ...place, refuse: this.#refuse, limitMs });
    const authority = `${bracketed(place.host)}:${place.port}`;
    const client = new GrpcClient(socket, authority, { idleMs: idleMs * 6 });
    return { client, sessions: new Map(), reads: 0, roundTripMs: Number.POSITIVE_INFINITY };
  }

  #session(connection: Connection, source: StageSource): Promise<Uint8Array> {
    const { sessions } = connection;
    let session = sessions.get(source.ticket);
    if (session === undefined) {
      session = this.#begin(connection, source);
      session.catch(() => sessions.delete(source.ticket));
      sessions.set(source.ticket, session);
      for (const oldest of sessions.keys()) {
        if (sessions.size <= sessionsMax) break;
        sessions.delete(oldest);
      }
    }
    return session;
  }

  async #begin(connection: Connection, { job, stage, ticket }: StageSource): Promise<Uint8Array> {
    const { client } = connection;
    const parts = parseTicket(ticket);
    if (parts === null) throw new ClusterError("unauthenticated", "no ticket for this source");
    const { answer, request } = shuffle.shuffleMaxBytes;
    const options = { limitMs: this.#limits.idleMs, answerMaxBytes: answer };
    const { challenge, open } = shuffle.shufflePaths;
    const sinceMs = performance.now();
    const asked = decode(shuffle.challengeAnswer, await client.unary(challenge, [], options));
    connection.roundTripMs = Math.min(connection.roundTripMs, performance.now() - sinceMs);
    const { expiresMs, requester, secret } = parts;
    const proof = proofOf(secret, asked.challenge);
    const shown = { job, stage, requester, expiresMs, challenge: asked.challenge, proof };
    const message = encode(shuffle.openStageRequest, shown, request);
    return decode(shuffle.openStageAnswer, await client.unary(open, [message], options)).session;
  }

  #allocate(length: number, taken: Uint8Array[]): Uint8Array {
    const { part } = shuffle.shuffleMaxBytes;
    const slab = this.#spare.pop() ?? Buffer.allocUnsafeSlow(part);
    taken.push(slab);
    return slab.subarray(0, length);
  }

  #giveBack(slab: Uint8Array | undefined): void {
    if (slab !== undefined && this.#spare.length < spareMax) this.#spare.push(slab);
  }
}

function notReached(address: string, why: string): ClusterError {
  const text = `${address} could not be reached lately (${why}); it is tried again beside the work`;
  return new ClusterError("unavailable", text);
}

/** Aborts when nothing has been received for too long. */
class Silence {
  readonly #control = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(idleMs: number) {
    const late = new ClusterError("timed-out", `nothing came for ${idleMs} ms`);
    this.#timer = setTimeout(() => this.#control.abort(late), idleMs);
  }

  get signal(): AbortSignal {
    return this.#control.signal;
  }

  heard(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
