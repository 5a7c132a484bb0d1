/** Simulations one after the other in a process of their own: `node apart.ts <JSON of a list of
 *  options>` prints a line of JSON for each. Apart from the test, since the test runner follows
 *  every promise, which takes a third of the processor time of a simulation. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type SimOptions, simulate } from "../../sim/simulate.ts";

/** What can be written as JSON. */
export type ApartOptions = Pick<SimOptions, "seed" | "rates" | "tabLists">;

export type Apart = {
  readonly seed: number;
  readonly trace: string;
  readonly events: number;
  /** Of the law that was broken; null = none. */
  readonly broken: { readonly stack: string } | null;
  readonly coverage: Readonly<Record<string, number>>;
};

export async function simulateApart(all: readonly ApartOptions[]): Promise<Apart[]> {
  const args = [import.meta.filename, JSON.stringify(all)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Apart);
}

if (import.meta.main) {
  for (const options of JSON.parse(process.argv[2] ?? "[]") as ApartOptions[]) {
    const { broken, coverage, events, trace } = await simulate(options);
    const said: Apart = {
      seed: options.seed,
      trace,
      events,
      broken: broken === null ? null : { stack: broken.stack ?? broken.message },
      coverage: Object.fromEntries(coverage),
    };
    console.log(JSON.stringify(said));
  }
}
