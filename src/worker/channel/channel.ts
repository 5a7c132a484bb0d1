/** One end of the pipe between a worker and one of its task processes, messages both ways.
 *
 *  Not Node's own channel for child processes: that keeps a line without an end in memory, and
 *  throws where nothing catches it when a line is no JSON. Job code runs behind this pipe and may
 *  write anything to it. */
import type { Duplex } from "node:stream";
import { ClusterError } from "../../core/error.ts";
import { encodeFrame, FrameReader } from "./frames.ts";

/** Longest message of a worker to a task process: an order that names 90,000 files. */
export const toTaskMaxBytes = 64 * 1024 * 1024;
/** Longest message of a task process: `reporter.ts` sends what it has before it has a quarter of
 *  this, and one more report has at most another quarter. */
export const fromTaskMaxBytes = 16 * 1024 * 1024;

export type ChannelOptions = {
  readonly sendMaxBytes: number;
  readonly receiveMaxBytes: number;
  /** One message, decoded and not yet checked. */
  readonly onMessage: (message: unknown) => void;
  /** Called once when no more messages come; with an error when what came was no message. */
  readonly onEnd: (error: ClusterError | null) => void;
};

export class Channel {
  readonly #pipe: Duplex;
  readonly #options: ChannelOptions;
  #over = false;

  /** Starts reading at once, and owns the pipe from then on. */
  constructor(pipe: Duplex, options: ChannelOptions) {
    this.#pipe = pipe;
    this.#options = options;
    const reader = new FrameReader(options.receiveMaxBytes);
    const onMessage = (message: unknown) => {
      if (!this.#over) options.onMessage(message);
    };
    pipe.on("data", (chunk: Buffer) => {
      if (this.#over) return;
      const error = broken(() => reader.push(chunk, onMessage));
      if (error !== null) this.#end(error);
    });
    pipe.once("end", () => this.#end(null));
    pipe.once("close", () => this.#end(null));
    pipe.on("error", () => this.#end(null));
  }

  /** False when messages pile up: wait for `drained`. What is sent after the end is dropped. Throws
   *  `limit-exceeded` when the message is too long for the other end. */
  send(message: unknown): boolean {
    if (this.#over) return true;
    return this.#pipe.write(encodeFrame(message, this.#options.sendMaxBytes));
  }

  /** Resolves when the pipe has taken what was sent, or has ended. */
  drained(): Promise<void> {
    if (this.#over || !this.#pipe.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#pipe.off("drain", done).off("close", done);
        resolve();
      };
      this.#pipe.on("drain", done).on("close", done);
    });
  }

  #end(error: ClusterError | null): void {
    if (this.#over) return;
    this.#over = true;
    // What still comes is thrown away, or the writer would never see its end.
    this.#pipe.resume();
    this.#options.onEnd(error);
  }
}

/** What is wrong with the bytes. Errors of the callbacks that take the messages are not caught. */
function broken(read: () => void): ClusterError | null {
  try {
    read();
    return null;
  } catch (error) {
    if (error instanceof ClusterError && error.code === "protocol-violated") return error;
    throw error;
  }
}
