/** Limits the lines that gateways and browsers cause on the terminal: so many a second, and then
 *  the number of suppressed ones. */
import { Alarm, type AlarmOptions } from "./alarm.ts";

const linesMax = 20;
const windowMs = 1_000;

export type LineLimitOptions = Pick<AlarmOptions, "timers" | "nowMs"> & {
  readonly print: (line: string) => void;
};

export class LineLimit {
  readonly #options: LineLimitOptions;
  readonly #alarm: Alarm;
  #count = 0;
  #untilMs = 0;

  constructor(options: LineLimitOptions) {
    this.#options = options;
    this.#alarm = new Alarm({ ...options, wake: (nowMs) => this.#look(nowMs) });
  }

  print(line: string): void {
    this.#look(this.#options.nowMs());
    this.#count += 1;
    if (this.#count <= linesMax) this.#options.print(line);
    else this.#alarm.by(this.#untilMs);
  }

  stop(): void {
    this.#alarm.stop();
  }

  #look(nowMs: number): void {
    const leftOut = this.#count - linesMax;
    if (nowMs < this.#untilMs) {
      // Timers may fire a little early.
      if (leftOut > 0) this.#alarm.by(this.#untilMs);
      return;
    }
    this.#count = 0;
    this.#untilMs = nowMs + windowMs;
    if (leftOut > 0) {
      this.#options.print(`(${leftOut} more lines of gateways and browsers in a second)`);
    }
  }
}
