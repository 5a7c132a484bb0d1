/** When and why `tequio up` ends. */

/** Settles with why `up` ends: a signal, `tequio down`, or a coordinator that cannot go on. */
export function endOfUp() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let fatal: Error | null = null;
  // It may be rejected before it is awaited.
  promise.catch(() => {});
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    signals += 1;
    // A user who presses Ctrl-C twice wants out now; workers that stay are adopted by the next
    // `up`.
    if (signals > 1) process.exit(130);
    resolve(`stopping (${signal}); once more ends at once`);
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return {
    promise,
    resolve: () => resolve("stopping (tequio down)"),
    reject(error: Error) {
      fatal ??= error;
      reject(error);
    },
    /** Of a coordinator that cannot go on; null = there was none. */
    get fatal(): Error | null {
      return fatal;
    },
    release: () => void process.off("SIGINT", onSignal).off("SIGTERM", onSignal),
  };
}
