/** What keeps browsers from freezing a page that is hidden: a lock that other pages might wait
 *  for. */

/** Browsers have locks on https and on this machine only. */
export const canHoldLock = typeof navigator.locks !== "undefined";

/** Holds it until `signal` is aborted. Pages share it. */
export function holdLock(signal: AbortSignal): void {
  if (!canHoldLock || signal.aborted) return;
  const released = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  // A browser that refuses it freezes the page as any other: then the tab pauses.
  navigator.locks.request("tequio", { mode: "shared" }, () => released).catch(() => {});
}
