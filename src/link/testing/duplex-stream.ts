/** A Node stream in both directions as the substream that `StreamLink` speaks on: the link is tried
 *  on every carrier of bytes, whatever chunks that cuts them into. */
import type { Duplex } from "node:stream";
import type { Chunk, Stream } from "../libp2p/load.ts";

type Heard = (event: { readonly data: Chunk; readonly error?: Error }) => void;

export class DuplexStream implements Stream {
  readonly protocol = "";
  readonly #duplex: Duplex;

  constructor(duplex: Duplex) {
    this.#duplex = duplex;
    // Its close reports itself.
    duplex.on("error", () => {});
  }

  get status(): string {
    return this.#duplex.writable ? "open" : "closed";
  }

  get writeBufferLength(): number {
    return this.#duplex.writableLength;
  }

  send(bytes: Uint8Array): boolean {
    if (!this.#duplex.writable) throw new Error("it is closed");
    return this.#duplex.write(bytes);
  }

  onDrain({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#until(signal, (done) => this.#duplex.once("drain", done));
  }

  close({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#until(signal, (done) => this.#duplex.end(done));
  }

  abort(): void {
    this.#duplex.destroy();
  }

  pause(): void {
    this.#duplex.pause();
  }

  resume(): void {
    this.#duplex.resume();
  }

  readonly addEventListener: Stream["addEventListener"] = (kind: string, heard: Heard) => {
    const event = { message: "data", remoteCloseWrite: "end" }[kind] ?? "close";
    this.#duplex.on(event, (data: Buffer) => heard({ data }));
  };

  #until(signal: AbortSignal | undefined, begin: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const closed = () => reject(new Error("it is closed"));
      if (this.#duplex.destroyed || signal?.aborted) return closed();
      this.#duplex.once("close", closed);
      signal?.addEventListener("abort", closed, { once: true });
      begin(() => {
        this.#duplex.off("close", closed);
        signal?.removeEventListener("abort", closed);
        resolve();
      });
    });
  }
}
