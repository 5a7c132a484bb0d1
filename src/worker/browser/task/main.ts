/** What runs in a task's Worker, inside the sandbox: tasks of one job, with the very code of a task
 *  process, on files in memory. Contract: `contract.ts`. */
import "../node-shims/install.ts";
import type { ToWorker } from "../contract.ts";
import { JavaScriptWorker } from "./javascript.ts";
import { PythonWorker } from "./python/serve.ts";
import { type Serve, TaskQueue } from "./queue.ts";

/** What a dedicated Worker has of its own. */
type Scope = {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: unknown, handedOver: Transferable[]): void;
  addEventListener(kind: string, listener: (event: never) => void): void;
};
const scope = globalThis as unknown as Scope;

let queue: TaskQueue | null = null;

// Not to be set again: job code has no such global.
scope.onmessage = (event) => {
  queue ??= new TaskQueue(serverOf(event.data));
  queue.take(event);
};

/** By its first task. */
function serverOf(first: ToWorker): Serve {
  const start = first.kind === "order" ? first.start : undefined;
  const worker = start === undefined ? new JavaScriptWorker() : new PythonWorker(scope, start);
  return (order, share, port) => worker.serve(order, share, port);
}
