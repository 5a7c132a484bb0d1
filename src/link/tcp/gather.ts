/** Feeds what arrives on a TCP connection to a reader until that has enough, within a time limit,
 *  and closes connections such that the last bytes arrive. */
import type { Socket } from "node:net";

export type Gatherer<T> = {
  /** Null = more must arrive, at most for `waitMs` from now. */
  push(bytes: Uint8Array): { readonly done: T } | { readonly waitMs: number };
  /** Called when nothing more arrives, or not in time. */
  end(): T;
};

/** Resolves once, never rejects: a broken connection counts as an end. `timeoutMs` is for all of
 *  it. */
export function gather<T>(socket: Socket, gatherer: Gatherer<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve) => {
    const deadlineMs = performance.now() + timeoutMs;
    let timer = setTimeout(end, timeoutMs);
    function settle(value: T): void {
      clearTimeout(timer);
      socket.off("data", onData).off("end", end).off("close", end).pause();
      resolve(value);
    }
    function end(): void {
      settle(gatherer.end());
    }
    function onData(bytes: Buffer): void {
      const found = gatherer.push(bytes);
      if ("done" in found) return settle(found.done);
      clearTimeout(timer);
      timer = setTimeout(end, Math.min(found.waitMs, deadlineMs - performance.now()));
    }
    socket.on("error", () => {});
    if (socket.destroyed || socket.readableEnded) return end();
    socket.on("data", onData).on("end", end).on("close", end).resume();
  });
}

/** Ends this side and waits until the peer has closed its own, or for `timeoutMs`. What the peer
 *  still sends is discarded: closing with unread bytes would reset the connection, and the peer
 *  might lose the answer. */
export function finish(socket: Socket, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on("error", () => {}).on("end", () => socket.end());
    socket.end();
    socket.resume();
  });
}
