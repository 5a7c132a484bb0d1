/** Takes from job code what a task does not need, for good. The sandbox's policy is what holds it;
 *  this keeps a task from using more than the one thread that the tab's user has agreed to. */

const names = ["Worker", "SharedWorker", "BroadcastChannel"];

export function narrow(): void {
  for (const name of names) {
    Object.defineProperty(globalThis, name, { value: undefined, configurable: false });
  }
}
