/** How long to wait before a process that has crashed is started again. Pure. */

const firstMs = 250;
const mostMs = 60_000;
/** A process that lived so long was sound: the next wait is the first again. */
const soundMs = 60_000;

export class Backoff {
  #nextMs = firstMs;

  /** After a crash at the end of a life of so many ms: 250 ms, doubled for each crash, at most a
   *  minute; 250 ms again after a life of a minute. */
  waitMs(livedMs: number): number {
    if (livedMs >= soundMs) this.#nextMs = firstMs;
    const waitMs = this.#nextMs;
    this.#nextMs = Math.min(mostMs, waitMs * 2);
    return waitMs;
  }
}
