/** A process of ours that a test starts, listens to, and sees end; armed with a failpoint or
 *  not. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { compileCache } from "../fixtures/compile-cache.ts";

/** A process that says nothing expected for so long is a failure of the test, ms. */
const silentMaxMs = 30_000;

export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export class Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Whole lines of its standard output so far. */
  readonly lines: string[] = [];
  errors = "";
  #waiting: Array<{ readonly start: string; readonly resolve: (line: string) => void }> = [];

  /** `failpoint` as in `TEQUIO_FAILPOINT`, null = none. */
  constructor(script: string, args: readonly string[], failpoint: string | null = null) {
    const { TEQUIO_FAILPOINT: _, ...inherited } = process.env;
    const env = { ...inherited, ...compileCache };
    this.child = spawn(process.execPath, [script, ...args], {
      env: failpoint === null ? env : { ...env, TEQUIO_FAILPOINT: failpoint },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.ended = once(this.child, "close").then(([code, signal]) => ({ code, signal }));
    let rest = "";
    this.child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#heard(line);
    });
    this.child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      this.errors = (this.errors + chunk).slice(-8_000);
    });
  }

  /** The first line that starts so, of those after the first `skip`, without that start; null when
   *  the process ends before. */
  async said(start: string, skip = 0): Promise<string | null> {
    const known = this.lines.slice(skip).find((line) => line.startsWith(start));
    if (known !== undefined) return known.slice(start.length);
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#waiting.push({ start, resolve });
    const timer = setTimeout(() => this.child.kill("SIGKILL"), silentMaxMs);
    try {
      const line = await Promise.race([promise, this.ended.then(() => null)]);
      return line === null ? null : line.slice(start.length);
    } finally {
      clearTimeout(timer);
    }
  }

  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Resolves when it has ended; killed when it does not within the limit. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    const timer = setTimeout(() => this.child.kill("SIGKILL"), silentMaxMs);
    this.child.kill(signal);
    return this.ended.finally(() => clearTimeout(timer));
  }

  #heard(line: string): void {
    this.lines.push(line);
    for (const { start, resolve } of this.#waiting) if (line.startsWith(start)) resolve(line);
  }
}
