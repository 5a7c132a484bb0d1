/** The page in a slot's frame: starts a Worker for each task and ends it. It has an origin of its
 *  own, and by its policy no network, no storage and no parent; job code runs only in the Workers,
 *  which have no page either.
 *
 *  It listens once, to the page that framed it, for a port; of a task nothing but its start passes
 *  through here. */
import type { FromSandbox, SandboxHello, ToSandbox } from "../../worker/browser/contract.ts";
import { buffersOf } from "../../worker/browser/handing-over.ts";
import { PythonWorkers } from "./python.ts";

// The only way to the network that no policy closes in every browser.
for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection"]) {
  Object.defineProperty(globalThis, name, { value: undefined, configurable: false });
}

const workers = new Map<number, Worker>();

addEventListener("message", function hello(event: MessageEvent<Partial<SandboxHello>>) {
  const [port] = event.ports;
  if (event.source !== parent || event.data?.kind !== "sandbox" || port === undefined) return;
  removeEventListener("message", hello);
  const blob = new Blob([String(event.data.taskCode)], { type: "text/javascript" });
  serve(port, URL.createObjectURL(blob));
});

function serve(port: MessagePort, codeUrl: string): void {
  const say = (message: FromSandbox) => port.postMessage(message);
  /** The Worker of the next task, so that its code is loaded when the task arrives. */
  let spare: Worker | null = new Worker(codeUrl);
  const restock = () => {
    setTimeout(() => {
      // The next one is ready beside the one that computes.
      if (workers.size < 2) spare ??= new Worker(codeUrl);
    });
  };
  const python = new PythonWorkers(
    () => new Worker(codeUrl),
    (id, message, isUnable) => say({ kind: "failed", id, message, isUnable }),
  );
  port.onmessage = ({ data, ports }: MessageEvent<ToSandbox>) => {
    switch (data.kind) {
      case "ping":
        say({ kind: "here" });
        break;
      case "python":
        python.prepare(data.files);
        break;
      case "stop":
        if (python.stop(data.id, data.keep)) break;
        workers.get(data.id)?.terminate();
        workers.delete(data.id);
        restock();
        break;
      case "start": {
        const { id, order } = data;
        const [taskPort] = ports;
        if (order.python !== undefined && taskPort !== undefined) {
          python.start({ id, order, port: taskPort });
          break;
        }
        const worker = spare ?? new Worker(codeUrl);
        spare = null;
        workers.set(id, worker);
        worker.onerror = (event) => {
          event.preventDefault();
          say({ kind: "failed", id, message: event.message || "its Worker could not start" });
        };
        worker.postMessage(order, [...(ports as MessagePort[]), ...buffersOf(order)]);
        restock();
        break;
      }
    }
  };
}
