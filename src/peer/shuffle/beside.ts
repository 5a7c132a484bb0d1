/** More connections to sources that are far, beside the first of each: one alone rarely fills a
 *  line that is far or loses packets, and all reads from a source would share it. */
import type { GrpcClient } from "../../link/grpc/client.ts";
import type { TicketText } from "./ticket.ts";

/** One connection to a source. */
export type Connection = {
  readonly client: GrpcClient;
  /** By ticket. */
  readonly sessions: Map<TicketText, Promise<Uint8Array>>;
  /** Under way. */
  reads: number;
  /** Shortest that was measured, ms; Infinity = none was. */
  roundTripMs: number;
};

/** A source whose round trip takes so long is far, ms. */
const farMs = 15;
/** Beside the first one, of each source and of all: a worker of a large cluster reads from many
 *  sources at once, and these fill its line. */
export const besideMax = 3;
const besideAllMax = 32;

export class Beside {
  readonly #all = new Map<string, Set<Connection>>();
  /** Being made, by address. */
  readonly #making = new Map<string, number>();
  #count = 0;

  /** Makes more for a source that is far, as long as there are few; who reads does not wait. */
  widen(address: string, first: Connection, make: () => Promise<Connection>): void {
    if (first.roundTripMs < farMs || first.roundTripMs === Number.POSITIVE_INFINITY) return;
    while (this.#of(address) < besideMax && this.#count < besideAllMax) {
      this.#count++;
      this.#making.set(address, (this.#making.get(address) ?? 0) + 1);
      void this.#made(address, make);
    }
  }

  /** The one with the fewest reads. */
  pick(address: string, first: Connection): Connection {
    let best = first;
    for (const one of this.#all.get(address) ?? []) {
      if (one.client.isOpen && one.reads < best.reads) best = one;
    }
    return best;
  }

  close(): void {
    for (const some of this.#all.values()) for (const { client } of some) client.close();
  }

  #of(address: string): number {
    return (this.#all.get(address)?.size ?? 0) + (this.#making.get(address) ?? 0);
  }

  async #made(address: string, make: () => Promise<Connection>): Promise<void> {
    try {
      // What fails costs nothing: there is the first one, and reads tell what is wrong.
      const one = await make().catch(() => null);
      this.#makingEnds(address);
      if (one === null) return;
      const some = this.#all.get(address) ?? new Set();
      this.#all.set(address, some.add(one));
      await one.client.closed;
      some.delete(one);
      if (some.size === 0) this.#all.delete(address);
    } finally {
      this.#count--;
    }
  }

  #makingEnds(address: string): void {
    const left = (this.#making.get(address) ?? 1) - 1;
    if (left === 0) this.#making.delete(address);
    else this.#making.set(address, left);
  }
}
