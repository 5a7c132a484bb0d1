/** Takes from job code what a task does not need. The sandbox's policy is what holds it; this keeps
 *  a task from using more than the one thread that the tab's user has agreed to, and from ending
 *  that without a word: no browser tells anybody of a Worker that has closed itself. */

const names = ["Worker", "SharedWorker", "BroadcastChannel"];

export function narrow(): void {
  for (const name of names) {
    Object.defineProperty(globalThis, name, { value: undefined, configurable: false });
  }
  // Where it is inherited from, too.
  for (let of: object | null = globalThis; of !== null; of = Object.getPrototypeOf(of)) {
    if (!Object.hasOwn(of, "close")) continue;
    Object.defineProperty(of, "close", { value: refuseToClose, configurable: false });
  }
}

function refuseToClose(): never {
  throw new Error("job code cannot end its Worker: return when it is done, or throw");
}
