/** One end of a simulated link: frames arrive in order, late, or not at all. */
import type { Link } from "../../src/link/link.ts";
import type { SimProcess } from "./process.ts";

/** A frame of bytes or of text; or the notice that the other end is closed. */
type Item = { readonly frame: Uint8Array | string | null; readonly closed: string };

/** The network, as far as its links need it. */
export interface Carrier {
  /** Counts an entry of the coverage table. */
  readonly count: (what: string) => void;
  /** Called when one end closes a link that is open there. */
  readonly onClose: (end: SimLink, reason: string) => void;
  /** The server under a name now; null = no process there is alive. */
  server(name: string): object | null;
  isCut(from: string, to: string): boolean;
  /** Delay of a frame, ms. */
  delay(from: string, to: string): number;
  /** Nothing more arrives over this link. */
  forget(link: SimLink): void;
}

/** Time after which a machine that is gone is noticed, when something was sent to it, ms. */
const goneMs = 120_000;

export class SimLink implements Link {
  readonly remote: string;
  readonly from: SimProcess;
  readonly to: SimProcess;
  readonly #network: Carrier;
  #peer: SimLink | null = null;
  #receive: ((frame: Uint8Array | string) => void) | null = null;
  #closed: ((reason: string) => void) | null = null;
  /** Why it closed, until a listener has been called. */
  #unreported: string | null = null;
  /** When something last arrived here, ms. */
  heardAtMs: number;
  /** Arrived here before there was a receiver. */
  #early: Item[] = [];
  /** Sent from here while the path is cut. */
  #stuck: Item[] = [];
  #underWayBytes = 0;
  #lastArrivalMs = 0;
  /** Nothing more is sent from here or accepted here. */
  #over = false;

  constructor(network: Carrier, from: SimProcess, to: SimProcess) {
    this.#network = network;
    this.from = from;
    this.to = to;
    this.remote = to.name;
    this.heardAtMs = from.clock.nowMs;
    from.onDeath.push((said) => this.#died(said));
  }

  join(peer: SimLink): void {
    this.#peer = peer;
  }

  /** The other end. */
  get peer(): SimLink {
    return this.#peer!;
  }

  get isOpen(): boolean {
    return !this.#over;
  }

  send(frame: Uint8Array): void {
    this.#send(frame);
  }

  /** Like a WebSocket, which distinguishes text from bytes. */
  sendText(text: string): void {
    this.#send(text);
  }

  pendingBytes(): number {
    return this.#underWayBytes;
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#take(receive as (frame: Uint8Array | string) => void);
  }

  /** For an end whose peer sends only text. */
  onText(receive: (text: string) => void): void {
    this.#take(receive as (frame: Uint8Array | string) => void);
  }

  #send(frame: Uint8Array | string): void {
    if (this.#over) return;
    this.#underWayBytes += frame.length;
    this.#carry({ frame, closed: "" });
  }

  #take(receive: (frame: Uint8Array | string) => void): void {
    this.#receive = receive;
    const early = this.#early;
    this.#early = [];
    for (const item of early) this.from.soon(() => this.#arrive(item));
  }

  onClose(closed: (reason: string) => void): void {
    this.#closed = closed;
    if (this.#unreported !== null) this.from.soon(() => this.#report());
  }

  close(reason = "closed here"): void {
    if (this.#over) return;
    this.#network.onClose(this, reason);
    this.#carry({ frame: null, closed: reason });
    this.#end(reason);
  }

  /** False when it was closed already. */
  breakBoth(reason: string): boolean {
    const open = [this as SimLink, this.#peer!].filter((end) => end.isOpen);
    for (const end of open) end.from.soon(() => end.#end(reason));
    return open.length > 0;
  }

  /** The path is open again. */
  unstick(reset: boolean): void {
    if (this.#stuck.length === 0) return;
    const stuck = this.#stuck;
    this.#stuck = [];
    if (reset) {
      this.#network.count("link reset after a cut");
      this.breakBoth("connection timed out");
      return;
    }
    this.#network.count("frames late after a cut");
    for (const item of stuck) this.#carry(item);
    if (this.#over) this.#network.forget(this);
  }

  #died(said: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#stuck = [];
    if (said) this.#carry({ frame: null, closed: "connection reset" });
    if (this.#stuck.length === 0) this.#network.forget(this);
  }

  #carry(item: Item): void {
    const peer = this.#peer!;
    if (this.#stuck.length > 0 || this.#network.isCut(this.from.name, this.to.name)) {
      this.#stuck.push(item);
      return;
    }
    const { clock } = this.from;
    if (this.to.life === "dead") {
      // A server that has taken its place does not know this link.
      const back = this.#network.server(this.to.name) !== null;
      if (back) this.#network.count("half-open link detected");
      clock.after(
        back ? this.#network.delay(this.from.name, this.to.name) * 2 : goneMs,
        this.from,
        () => this.#end("connection reset"),
      );
      return;
    }
    const delayMs = this.#network.delay(this.from.name, this.to.name);
    const arrivalMs = Math.max(clock.nowMs + delayMs, this.#lastArrivalMs);
    this.#lastArrivalMs = arrivalMs;
    clock.at(arrivalMs, this.to, () => {
      if (item.frame !== null) this.#underWayBytes -= item.frame.length;
      peer.#arrive(item);
    });
  }

  #arrive(item: Item): void {
    if (this.#over) return;
    this.heardAtMs = this.from.clock.nowMs;
    if (this.#receive === null) this.#early.push(item);
    else if (item.frame !== null) this.#receive(item.frame);
    else this.#end(item.closed);
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    // What is stuck is still in transit, and with it the notice that this end is closed.
    if (this.#stuck.length === 0) this.#network.forget(this);
    this.#unreported = reason;
    this.from.soon(() => this.#report());
  }

  #report(): void {
    if (this.#closed === null || this.#unreported === null) return;
    const reason = this.#unreported;
    this.#unreported = null;
    this.#closed(reason);
  }
}
