/** Blobs read straight from the object store in which the coordinator keeps them, by addresses that
 *  it gives for a while: a large result then does not pass the coordinator's line.
 *
 *  1. What comes is verified by the reader, as from the coordinator.
 *  2. A store that cannot be reached, refuses or falls silent is left alone for a minute: what is
 *     missing comes from the coordinator.
 *  3. An address on the coordinator's own machine is none for others. */
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { steadyMs } from "../../environment/steady.ts";
import type { Span } from "../../link/http/range-reader.ts";
import { isLoopback } from "../../link/listen.ts";
import { type Answer, ask } from "../../remote/request.ts";
import type { BlobAddress } from "../../wire/api/messages.ts";
import type { Transport } from "./transport.ts";

/** Of smaller ones the address would take as long as the bytes. */
export const storedFromBytes = 1 << 20;
/** How long nothing may come, ms. */
const stallMs = 15_000;
/** How long a store that failed is left alone, ms. */
const restMs = 60_000;
/** Of the time for which an address is valid, so that a range that has begun can end. */
const usedShare = 0.7;
/** Addresses that are kept. */
const knownMax = 64;

type Known = { readonly url: URL | null; readonly untilMs: number };

export class StoredBlobs {
  readonly #transport: Transport;
  readonly #known = new Map<Hash, Promise<Known>>();
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The bytes of the span; `unavailable` when the store breaks off. Null: read them from the
   *  coordinator. */
  async read(
    hash: Hash,
    span: Span,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<Uint8Array, void> | null> {
    if (steadyMs() < this.#restsUntilMs) return null;
    const url = await this.#addressOf(hash);
    if (url === null) return null;
    const headers = { range: `bytes=${span.start}-${span.end - 1}` };
    try {
      const answer = await ask({ url, headers, stallMs, signal }, false);
      if (answer.status === 206) return this.#chunks(answer, signal);
      answer.end();
    } catch {
      signal.throwIfAborted();
    }
    this.#leaveAlone();
    return null;
  }

  async *#chunks(answer: Answer, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    try {
      yield* answer.chunks();
    } catch (cause) {
      signal.throwIfAborted();
      this.#leaveAlone();
      throw new ClusterError("unavailable", "the object store broke off", { cause });
    } finally {
      answer.end();
    }
  }

  #leaveAlone(): void {
    this.#restsUntilMs = steadyMs() + restMs;
    this.#known.clear();
  }

  async #addressOf(hash: Hash): Promise<URL | null> {
    // Set before anything is waited for: ranges that begin together ask once.
    const asking = this.#known.get(hash);
    if (asking !== undefined) {
      const known = await asking;
      if (steadyMs() < known.untilMs) return known.url;
    }
    if (this.#known.size >= knownMax) this.#known.clear();
    const asked = this.#ask(hash);
    this.#known.set(hash, asked);
    return (await asked).url;
  }

  async #ask(hash: Hash): Promise<Known> {
    const askedAtMs = steadyMs();
    const path = `/v1/blobs/${hash}/address`;
    try {
      const call = { method: "GET", path, answerMs: stallMs } as const;
      const { forMs, url } = await this.#transport.json<BlobAddress>(call);
      return { url: this.#usable(url), untilMs: askedAtMs + usedShare * forMs };
    } catch {
      // There is no store, or an older coordinator; one that is away is waited for by its reader.
      this.#leaveAlone();
      return { url: null, untilMs: askedAtMs };
    }
  }

  #usable(text: string): URL | null {
    const url = URL.parse(text);
    const coordinator = URL.parse(this.#transport.url);
    if (url === null || coordinator === null) return null;
    return isHere(url) && !isHere(coordinator) ? null : url;
  }
}

function isHere({ hostname }: URL): boolean {
  return hostname === "localhost" || isLoopback(hostname.replace(/^\[|\]$/g, ""));
}
