/** The frames that job code runs in, one for each slot: another origin, no network, no storage. */

import type { SandboxHello } from "../../worker/browser/contract.ts";

const readyMs = 15_000;

export class Sandboxes {
  readonly #frames = new Map<number, HTMLIFrameElement>();
  readonly #place: HTMLElement;

  constructor(place: HTMLElement) {
    this.#place = place;
  }

  /** Opens a new frame for the slot, replacing its old one; `ready` gets its port. */
  open(slot: number, ready: (port: MessagePort) => void, lost: () => void): void {
    this.close(slot);
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.title = `sandbox ${slot + 1}`;
    frame.hidden = true;
    frame.src = "/sandbox.html";
    const timer = setTimeout(() => {
      if (this.#frames.get(slot) === frame) lost();
    }, readyMs);
    frame.addEventListener("load", async () => {
      // A file of its own: visitors of the dashboard need not fetch it.
      const { default: taskCode } = await import("virtual:task-code");
      if (this.#frames.get(slot) !== frame) return;
      clearTimeout(timer);
      const { port1, port2 } = new MessageChannel();
      // Its origin is opaque, so it cannot be named as the target; but the frame holds only this
      // site's page.
      const hello: SandboxHello = { kind: "sandbox", taskCode };
      frame.contentWindow?.postMessage(hello, "*", [port2]);
      ready(port1);
    });
    this.#frames.set(slot, frame);
    this.#place.append(frame);
  }

  close(slot: number): void {
    this.#frames.get(slot)?.remove();
    this.#frames.delete(slot);
  }

  closeAll(): void {
    for (const slot of [...this.#frames.keys()]) this.close(slot);
  }
}
