/** Two ends of a link inside one process, for tests and for a whole cluster in one process. */
import { closeCodes, cutReason, describeClose, describeOwn, tooLarge } from "./close-reason.ts";
import type { Link } from "./link.ts";

export type MemoryLinkOptions = {
  /** Called once for each delivery; runs it later. The order of frames does not depend on it.
   *  Default `queueMicrotask`. */
  readonly schedule?: (deliver: () => void) => void;
  /** A larger frame closes the link, as it would a WebSocket. Default 8 MiB. */
  readonly frameMaxBytes?: number;
};

type Item = { readonly frame: Uint8Array } | { readonly closed: string };

/** Frames are passed on as they are, not copied: neither end may change one after sending or
 *  receiving it. */
export function memoryLinkPair(options: MemoryLinkOptions = {}): [Link, Link] {
  const first = new MemoryLink("memory:second", options);
  const second = new MemoryLink("memory:first", options);
  first.join(second);
  second.join(first);
  return [first, second];
}

class MemoryLink implements Link {
  readonly remote: string;
  readonly #schedule: (deliver: () => void) => void;
  readonly #frameMaxBytes: number;
  #peer: MemoryLink | null = null;
  #receive: ((frame: Uint8Array) => void) | null = null;
  #closed: ((reason: string) => void) | null = null;
  /** Sent to this end, not yet delivered. */
  #inbox: Item[] = [];
  #inboxBytes = 0;
  /** Deliveries that were due before there was a receiver. */
  #heldCount = 0;
  /** Nothing more is sent or delivered. */
  #closing = false;
  /** Why it closed, until `onClose` has reported it. */
  #untold: string | null = null;

  constructor(remote: string, options: MemoryLinkOptions) {
    this.remote = remote;
    this.#schedule = options.schedule ?? queueMicrotask;
    this.#frameMaxBytes = options.frameMaxBytes ?? 8 * 1024 * 1024;
  }

  join(peer: MemoryLink): void {
    this.#peer = peer;
  }

  send(frame: Uint8Array): void {
    if (!this.#closing) this.#peer!.#arrive({ frame });
  }

  pendingBytes(): number {
    return this.#peer!.#inboxBytes;
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
    for (; this.#heldCount > 0; this.#heldCount--) this.#schedule(() => this.#deliver());
  }

  onClose(closed: (reason: string) => void): void {
    this.#closed = closed;
    if (this.#untold !== null) this.#schedule(() => this.#tell());
  }

  close(reason = ""): void {
    const cut = cutReason(reason);
    this.#end(describeOwn(cut), describeClose(closeCodes.normal, cut));
  }

  #end(here: string, there: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.#peer!.#arrive({ closed: there });
    this.#untold = here;
    this.#schedule(() => this.#tell());
  }

  #arrive(item: Item): void {
    if (this.#closing) return;
    this.#inbox.push(item);
    if ("frame" in item) this.#inboxBytes += item.frame.length;
    this.#schedule(() => this.#deliver());
  }

  /** The oldest item, whichever delivery this is. */
  #deliver(): void {
    const item = this.#inbox[0];
    if (item === undefined) return;
    if ("closed" in item) {
      this.#closing = true;
      this.#inbox = [];
      this.#untold = item.closed;
      this.#tell();
      return;
    }
    if (this.#receive === null) {
      this.#heldCount++;
      return;
    }
    this.#inbox.shift();
    this.#inboxBytes -= item.frame.length;
    if (item.frame.length <= this.#frameMaxBytes) this.#receive(item.frame);
    else this.#end(tooLarge(this.#frameMaxBytes), describeClose(closeCodes.tooLarge, ""));
  }

  #tell(): void {
    if (this.#closed === null || this.#untold === null) return;
    const reason = this.#untold;
    this.#untold = null;
    this.#closed(reason);
  }
}
