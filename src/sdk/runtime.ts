/** `count` and `log`, callable anywhere in job code. The program that runs the job installs where
 *  they go. */

export type JobRuntime = {
  count(counter: string, by: number): void;
  log(line: string): void;
};

const slot = Symbol.for("tequio.runtime");
type Holder = { [slot]?: JobRuntime };

/** Installed by the task process and by `local.ts`; a symbol on the global, since the job's bundle
 *  carries its own copy of this module. */
export function installRuntime(runtime: JobRuntime): void {
  (globalThis as Holder)[slot] = runtime;
}

/** Adds to a counter of the job; shown in its status, summed over tasks that count. */
export function count(counter: string, by = 1): void {
  (globalThis as Holder)[slot]?.count(counter, by);
}

/** Writes a line to the job's log (`tequio logs`). Values are joined by a blank; objects as JSON.
 *  What job code says by `console.log` goes there too. */
export function log(...values: unknown[]): void {
  const line = values
    .map((v) => (typeof v === "string" ? v : (JSON.stringify(v) ?? String(v))))
    .join(" ");
  (globalThis as Holder)[slot]?.log(line);
}
