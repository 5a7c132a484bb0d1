/** The page in a slot's frame: starts Workers for tasks and ends them. It has an origin of its own,
 *  and by its policy no network, no storage and no parent; job code runs only in the Workers, which
 *  have no page either.
 *
 *  It listens once, to the page that framed it, for a port; of a task nothing but its start passes
 *  through here. */
import type { FromSandbox, SandboxHello, ToSandbox } from "../../worker/browser/contract.ts";
import { FrameWorkers } from "./workers.ts";

// The only way to the network that no policy closes in every browser.
for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection"]) {
  Object.defineProperty(globalThis, name, { value: undefined, configurable: false });
}

addEventListener("message", function hello(event: MessageEvent<Partial<SandboxHello>>) {
  const [port] = event.ports;
  if (event.source !== parent || event.data?.kind !== "sandbox" || port === undefined) return;
  removeEventListener("message", hello);
  const blob = new Blob([String(event.data.taskCode)], { type: "text/javascript" });
  serve(port, URL.createObjectURL(blob));
});

function serve(port: MessagePort, codeUrl: string): void {
  const say = (message: FromSandbox) => port.postMessage(message);
  const workers = new FrameWorkers(
    () => new Worker(codeUrl),
    (id, message, isUnable) => say({ kind: "failed", id, message, isUnable }),
  );
  port.onmessage = ({ data, ports: [taskPort] }: MessageEvent<ToSandbox>) => {
    switch (data.kind) {
      case "ping":
        say({ kind: "here" });
        break;
      case "python":
        workers.prepare(data.files);
        break;
      case "stop":
        workers.stop(data.id, data.keep);
        break;
      case "start": {
        const { id, order } = data;
        if (taskPort !== undefined) workers.start({ id, order, port: taskPort });
        break;
      }
    }
  };
}
