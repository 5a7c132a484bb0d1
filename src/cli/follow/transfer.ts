/** Shows a transfer to or from the coordinator: how far it is, how fast, how long it will take, and
 *  when the line is cut. Ctrl-C ends it cleanly. */
import { Interrupted } from "../faults.ts";
import { openScreen, type Screen } from "../screen.ts";
import { Speedometer, transferLine } from "../transfer-line.ts";

export type TransferTexts = {
  readonly label: string;
  /** Printed after Ctrl-C: what is kept, and how to go on. */
  readonly stopped: (doneBytes: number) => string;
  /** Nothing is shown: the caller prints JSON, or a terminal gets the result itself. */
  readonly quiet: boolean;
  /** The caller prints what has stopped it. */
  readonly silent?: boolean;
};

/** What the work calls, and what ends it. */
export type Shown = {
  readonly signal: AbortSignal;
  /** How long the coordinator may be away, ms. */
  readonly patienceMs: number;
  readonly onAway: (isAway: boolean) => void;
  /** `sizeBytes` 0 = not known. */
  readonly onProgress: (progress: {
    readonly doneBytes: number;
    readonly sizeBytes: number;
    readonly files?: number;
  }) => void;
};

const patienceMs = 120_000;
/** What ends sooner shows nothing on a terminal, ms; elsewhere what ends before a line is due. */
const quietMs = 700;
/** Between two draws, and between two lines where nothing can be drawn over, ms. */
const drawEveryMs = 100;
const plainEveryMs = 3_000;
const away = "the line to the coordinator is cut; trying again for two minutes";

/** What `work` resolves with; `Interrupted` after Ctrl-C, and after a second one nothing is waited
 *  for. */
export async function shown<T>(
  texts: TransferTexts,
  work: (shown: Shown) => Promise<T>,
): Promise<T> {
  const screen = openScreen();
  const progress = new ProgressLine(texts, screen);
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new Interrupted());
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    return await work({
      signal: stop.signal,
      patienceMs,
      onAway: (isAway) => progress.away(isAway),
      onProgress: (one) => progress.show(one),
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    progress.clear();
    const text = texts.stopped(progress.doneBytes);
    if (texts.silent !== true) screen.print(text);
    throw new Interrupted(text);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    progress.clear();
    screen.end();
  }
}

class ProgressLine {
  doneBytes = 0;
  readonly #texts: TransferTexts;
  readonly #screen: Screen;
  readonly #meter = new Speedometer();
  #nextMs: number;

  constructor(texts: TransferTexts, screen: Screen) {
    this.#texts = texts;
    this.#screen = screen;
    this.#nextMs = performance.now() + (screen.live ? quietMs : plainEveryMs);
  }

  show({ doneBytes, files = 1, sizeBytes }: Parameters<Shown["onProgress"]>[0]): void {
    this.doneBytes = doneBytes;
    const nowMs = performance.now();
    this.#meter.add(nowMs, doneBytes);
    if (this.#texts.quiet || nowMs < this.#nextMs) return;
    const { live } = this.#screen;
    this.#nextMs = nowMs + (live ? drawEveryMs : plainEveryMs);
    const transfer = {
      label: this.#texts.label,
      doneBytes,
      sizeBytes: sizeBytes > 0 ? Math.max(doneBytes, sizeBytes) : null,
      note: files > 1 ? `${files} files` : "",
    };
    const line = transferLine(transfer, this.#meter.bytesPerS, live ? this.#screen.width() : 120);
    if (live) this.#screen.draw([line]);
    else this.#screen.print(line);
  }

  away(isAway: boolean): void {
    if (this.#texts.quiet) return;
    this.#screen.print(isAway ? away : "the coordinator answers again");
  }

  clear(): void {
    this.#screen.draw([]);
  }
}
