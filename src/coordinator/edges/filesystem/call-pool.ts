/** The calls in progress, each with a port of its own and a time limit. */
import { ClusterError } from "../../../core/error.ts";
import { CallPort } from "../../../link/zeromq/call-port.ts";
import { errorAnswer } from "../../../wire/filesystem/answers.ts";
import { frameBytesMax } from "../../../wire/filesystem/limits.ts";
import type { CallLimits, SecondStep } from "./calls/context.ts";

export type CallPoolOptions = {
  readonly host: string;
  readonly limits: CallLimits;
  /** A call ended in a bug, or could not store what it had acknowledged. */
  readonly onError: (error: unknown) => void;
};

export class CallPool {
  readonly #options: CallPoolOptions;
  readonly #ports = new Set<CallPort>();
  readonly #running = new Set<Promise<void>>();
  #starting = 0;
  #closed = false;

  constructor(options: CallPoolOptions) {
    this.#options = options;
  }

  /** Binds a port for the rest of a call; returns its number. Throws `unavailable` when too many
   *  are in progress. The step is ended in any case. */
  async begin(step: SecondStep): Promise<number> {
    const { host, limits } = this.#options;
    try {
      if (this.#closed || this.#ports.size + this.#starting >= limits.callsMax) {
        const text = `${limits.callsMax} calls are in progress, the maximum; try again`;
        throw new ClusterError("unavailable", text);
      }
      this.#starting += 1;
      const silenceMs = step.silenceMs ?? limits.silenceMs;
      const opening = CallPort.open({ host, frameMaxBytes: frameBytesMax, silenceMs });
      const port = await opening.finally(() => {
        this.#starting -= 1;
      });
      this.#run(port, step);
      return port.port;
    } catch (error) {
      step.end?.();
      throw error;
    }
  }

  /** Aborts calls in progress. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const port of this.#ports) port.close();
    await Promise.all(this.#running);
  }

  #run(port: CallPort, step: SecondStep): void {
    this.#ports.add(port);
    if (this.#closed) port.close();
    const running = this.#perform(port, step).finally(() => {
      step.end?.();
      port.close();
      this.#ports.delete(port);
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  async #perform(port: CallPort, step: SecondStep): Promise<void> {
    let owesAnswer = false;
    const watched = {
      port: port.port,
      async receive() {
        const message = await port.receive();
        owesAnswer = true;
        return message;
      },
      async reply(answer: Uint8Array) {
        owesAnswer = false;
        await port.reply(answer);
      },
    };
    try {
      await step.run(watched);
    } catch (error) {
      const known = error instanceof ClusterError ? error : internal;
      const isSilence = known.code === "timed-out";
      if (known !== error || (!owesAnswer && !isSilence)) this.#options.onError(error);
      // A reader of data would take an ERROR for data: silence shows that it is incomplete.
      if (owesAnswer && step.sendsData !== true)
        await port.reply(errorAnswer(known)).catch(() => {});
    }
  }
}

const internal = new ClusterError("unavailable", "a bug of the coordinator; see its output");
