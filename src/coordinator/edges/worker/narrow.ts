/** Links that carry small messages and lose large ones: somewhere on the way packets of full size
 *  are dropped without notice (a tunnel with a smaller MTU). TCP stands still then, in one
 *  direction; heartbeats may go on in the other, so that the worker looks alive. Pure: times come
 *  in.
 *
 *  1. A join and its answer are longer than a packet, so that such a worker does not join at all.
 *  2. What was seen is forgotten when the worker answers again, and after `forgetMs`. */
import type { WorkerId } from "../../../core/ids.ts";
import type { NarrowSummary } from "../../../core/summary.ts";

/** The direction in which nothing large arrives. */
export type Towards = NarrowSummary["towards"];

type Seen = NarrowSummary & { readonly atMs: number };

const forgetMs = 600_000;
const seenMax = 256;

export class NarrowLinks {
  /** By worker, or by the address of one that could not join. */
  readonly #seen = new Map<string, Seen>();

  note(
    link: { readonly worker: WorkerId | null; readonly remote: string },
    towards: Towards,
    atMs: number,
  ): void {
    const key = link.worker ?? hostOf(link.remote);
    this.#seen.delete(key);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size >= seenMax && oldest !== undefined) this.#seen.delete(oldest);
    this.#seen.set(key, { who: key, remote: hostOf(link.remote), towards, atMs });
  }

  /** Something of full size went through. */
  clear(link: { readonly worker: WorkerId | null; readonly remote: string }): void {
    if (this.#seen.size === 0) return;
    this.#seen.delete(link.worker ?? "");
    this.#seen.delete(hostOf(link.remote));
  }

  list(nowMs: number): NarrowSummary[] {
    for (const [key, { atMs }] of this.#seen) if (nowMs - atMs > forgetMs) this.#seen.delete(key);
    return [...this.#seen.values()].map(({ remote, towards, who }) => ({ remote, towards, who }));
  }
}

function hostOf(remote: string): string {
  return remote.replace(/:\d+$/, "");
}
