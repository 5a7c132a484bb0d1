/** When a worker leaves: the options of `tequio join` for it, and its signals. */
import type { Command } from "commander";
import { ClusterError } from "../../../core/error.ts";
import { defaultRules } from "../../../core/worker.ts";
import type { RunningWorker } from "../../../worker/node.ts";
import { durationText } from "../../numbers.ts";
import { durationArgument } from "../../options.ts";
import type { JoinOptions } from "./options.ts";

type Times = Pick<JoinOptions, "drain" | "lifetime" | "idleExit">;

export function withLeaving(command: Command): Command {
  return command
    .option(
      "--lifetime <time>",
      "leave by then, and up to a tenth sooner so that a pool does not end at once",
      durationArgument("--lifetime"),
    )
    .option(
      "--drain <time>",
      "time to end what runs and to hand its map outputs over to the coordinator, after SIGTERM " +
        "and before the lifetime ends (default: 5s)",
      durationArgument("--drain"),
    )
    .option(
      "--idle-exit <time>",
      "leave after this long without work, when needed map outputs are handed over",
      durationArgument("--idle-exit"),
    );
}

export function drainMs({ drain }: Times): number {
  return drain ?? defaultRules.drainMs;
}

/** Throws `bad-request` for times that do not fit together. */
export function checkLeaving(times: Times): void {
  const { lifetime } = times;
  if (lifetime === undefined || lifetime >= 2 * drainMs(times)) return;
  const drain = durationText(drainMs(times));
  const text = `--lifetime must be at least twice as long as --drain (${drain})`;
  throw new ClusterError("bad-request", `${text}; it would take next to no task`);
}

/** SIGTERM drains, Ctrl-C leaves within 5 s, also in the middle of a drain. So does the end of the
 *  process that watches over this one: nothing would start it again. */
export class Leaving {
  readonly #times: Times;
  #asked: "drain" | "leave" | null = null;
  #worker: RunningWorker | null = null;
  readonly #drain = () => this.#ask("drain");
  readonly #leave = () => this.#ask("leave");

  constructor(times: Times) {
    this.#times = times;
    process.on("SIGTERM", this.#drain).on("SIGINT", this.#leave).on("disconnect", this.#leave);
  }

  /** From now on the signals are this worker's, also those that came before. */
  worker(worker: RunningWorker): void {
    this.#worker = worker;
    if (this.#asked !== null) this.#ask(this.#asked);
  }

  close(): void {
    process.off("SIGTERM", this.#drain).off("SIGINT", this.#leave).off("disconnect", this.#leave);
  }

  #ask(how: "drain" | "leave"): void {
    this.#asked = this.#asked === "leave" ? "leave" : how;
    if (this.#asked === "leave") void this.#worker?.stop(defaultRules.drainMs);
    else void this.#worker?.stop(drainMs(this.#times), true);
  }
}
