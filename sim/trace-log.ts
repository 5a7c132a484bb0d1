/** The trace of a simulated world, line by line with its time, for debugging. */
import { decodeRecord } from "../src/coordinator/loop/journal.ts";
import type { CoordinatorEvent } from "../src/core/event.ts";
import type { LogRecord } from "../src/store/log/log.ts";
import type { SimClock } from "./world/clock.ts";

export type TraceLine = {
  readonly atMs: number;
  readonly text: string;
  /** It is a record of the log; otherwise an action of a member. */
  readonly isRecord: boolean;
};

export class TraceLog {
  readonly #clock: SimClock;
  readonly #told: ((line: TraceLine) => void) | null;

  constructor(clock: SimClock, told: ((line: TraceLine) => void) | null) {
    this.#clock = clock;
    this.#told = told;
  }

  tell(line: () => string): void {
    this.#told?.({ atMs: this.#clock.nowMs, text: line(), isRecord: false });
  }

  records(records: readonly LogRecord[]): void {
    if (this.#told === null) return;
    for (const record of records) {
      const text = `log ${record.position}: ${eventText(decodeRecord(record))}`;
      this.#told({ atMs: this.#clock.nowMs, text, isRecord: true });
    }
  }
}

export function lineText({ atMs, isRecord, text }: TraceLine): string {
  const seconds = (atMs / 1000).toFixed(3).padStart(9);
  return `${seconds} s  ${isRecord ? "  " : ""}${text}`;
}

function eventText(event: CoordinatorEvent): string {
  switch (event.kind) {
    case "coordinator-started":
      return `coordinator started, epoch ${event.epoch}`;
    case "job-submitted":
      return `job submitted (${event.key})`;
    case "job-cancelled":
      return `${event.job} cancelled`;
    case "job-removed":
      return `${event.job} removed`;
    case "worker-joined":
      return joinText(event);
    case "worker-lost":
      return `${event.worker} lost (${event.reason})`;
    case "attempts-started":
      return `${event.worker} started ${event.attempts.length} attempts`;
    case "attempts-reported":
      return event.reports
        .map((report) => {
          const what = report.kind === "failed" ? `failed: ${report.failure.message}` : report.kind;
          const task = `${event.job}/${event.stage}/${report.task}#${report.attempt}`;
          return `${event.worker} ${task} ${what}`;
        })
        .join(", ");
    default:
      return event.kind;
  }
}

function joinText(event: Extract<CoordinatorEvent, { kind: "worker-joined" }>): string {
  const who = event.worker ?? "a new worker";
  return `${who} joined (${event.specs.name}), holds ${event.holding.length}`;
}
