/** Two ends of a text link inside one process. */
import type { TextReceiver } from "./websocket/text-link.ts";

export class MemoryText {
  readonly remote: string;
  #other: MemoryText | null = null;
  #receiver: TextReceiver | null = null;
  #waiting: string[] = [];
  #closed: string | null = null;

  private constructor(remote: string) {
    this.remote = remote;
  }

  static pair(remote: string): readonly [MemoryText, MemoryText] {
    const ends = [new MemoryText(remote), new MemoryText(remote)] as const;
    ends[0].#other = ends[1];
    ends[1].#other = ends[0];
    return ends;
  }

  receive(receiver: TextReceiver): void {
    this.#receiver = receiver;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const text of waiting) queueMicrotask(() => this.#receiver?.said(text));
    if (this.#closed !== null) queueMicrotask(() => this.#tell());
  }

  /** Delivered in a later turn, as over a network: the sender is not called back while sending. */
  send(text: string): void {
    if (this.#closed !== null) return;
    const other = this.#other;
    if (other !== null) queueMicrotask(() => other.#arrived(text));
  }

  close(_code: number, reason: string): void {
    if (this.#closed !== null) return;
    for (const end of [this, this.#other]) {
      if (end === null) continue;
      end.#closed = reason;
      queueMicrotask(() => end.#tell());
    }
  }

  #arrived(text: string): void {
    if (this.#receiver === null) this.#waiting.push(text);
    else this.#receiver.said(text);
  }

  #tell(): void {
    const receiver = this.#receiver;
    this.#receiver = null;
    receiver?.closed(this.#closed ?? "closed");
  }
}
