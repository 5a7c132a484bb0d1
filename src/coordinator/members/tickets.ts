/** Tickets: permission to fetch one file from one member, once, soon.
 *
 *  1. A ticket is valid for the file, the source and the requester that it was made for, and only
 *     as long as that requester may fetch. The first to present it uses it up, even if it is the
 *     wrong one: then the ticket has leaked.
 *  2. They are kept in memory only, as hashes: after a restart there are none, and requesters ask
 *     again. */
import { createHash, randomBytes } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";

export type TicketLimits = {
  readonly ttlMs: number;
  /** Valid tickets; above it no more are issued. */
  readonly ticketsMax: number;
  /** Of one requester; above it its oldest is evicted. */
  readonly perRequesterMax: number;
};

export const defaultTicketLimits: TicketLimits = {
  ttlMs: 60_000,
  ticketsMax: 200_000,
  perRequesterMax: 10_000,
};

/** As requester: the coordinator itself, which fetches inputs for workers that cannot reach their
 *  owner. */
export const ownRequester = "coordinator";

export type TicketTerms = {
  /** Name of the member that may serve it. */
  readonly source: string;
  /** The source's name for the file, and its content when that is known. */
  readonly fileName: string;
  readonly root: Hash | null;
  /** The same for all calls with one token, so that they share one bound. */
  readonly requester: string;
};

type Ticket = TicketTerms & { readonly expiresAtMs: number };

export class Tickets {
  readonly #limits: TicketLimits;
  /** By the hash of their text, in the order in which they expire. */
  readonly #tickets = new Map<Hash, Ticket>();
  readonly #byRequester = new Map<string, Set<Hash>>();

  constructor(limits: Partial<TicketLimits> = {}) {
    this.#limits = { ...defaultTicketLimits, ...limits };
  }

  get size(): number {
    return this.#tickets.size;
  }

  /** Throws `unavailable` when there are too many. */
  issue(terms: TicketTerms, nowMs: number): string {
    const { perRequesterMax, ticketsMax, ttlMs } = this.#limits;
    this.#dropExpired(nowMs);
    const mine = this.#byRequester.get(terms.requester) ?? new Set();
    const [oldest] = mine;
    if (oldest !== undefined && mine.size >= perRequesterMax) this.#take(oldest);
    if (this.#tickets.size >= ticketsMax) {
      const text = `${ticketsMax} tickets are valid, the maximum; try again in a minute`;
      throw new ClusterError("unavailable", text);
    }
    const text = randomBytes(32).toString("base64url");
    const hash = hashOf(text);
    this.#tickets.set(hash, { ...terms, expiresAtMs: nowMs + ttlMs });
    this.#byRequester.set(terms.requester, mine.add(hash));
    return text;
  }

  /** Uses the ticket up; null when it is not valid for this source now. */
  redeem(
    text: string,
    source: string,
    nowMs: number,
  ): { readonly terms: TicketTerms; readonly expiresInMs: number } | null {
    const ticket = this.#take(hashOf(text));
    if (ticket === null || ticket.source !== source || nowMs >= ticket.expiresAtMs) return null;
    const { expiresAtMs, ...terms } = ticket;
    return { terms, expiresInMs: expiresAtMs - nowMs };
  }

  #take(hash: Hash): Ticket | null {
    const ticket = this.#tickets.get(hash);
    if (ticket === undefined) return null;
    this.#tickets.delete(hash);
    const others = this.#byRequester.get(ticket.requester);
    others?.delete(hash);
    if (others?.size === 0) this.#byRequester.delete(ticket.requester);
    return ticket;
  }

  #dropExpired(nowMs: number): void {
    for (const [hash, { expiresAtMs }] of this.#tickets) {
      if (nowMs < expiresAtMs) return;
      this.#take(hash);
    }
  }
}

function hashOf(text: string): Hash {
  return createHash("sha256").update(text).digest("hex");
}
