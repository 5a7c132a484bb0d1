/** Distributes the planted bugs over as many processes as there are lanes. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { mutants } from "./catalogue.ts";
import type { Mutant } from "./mutant.ts";
import type { Caught } from "./run.ts";

const run = promisify(execFile);
const lanes = 2;

/** `quickest`: of the first seeds, whichever shows the bug with the fewest events. Of what is not
 *  simulated nothing is run. */
export async function runMutants(
  what: "caught" | "quickest",
  some: readonly Mutant[] = mutants,
): Promise<Map<string, Caught>> {
  const simulated = some.filter(({ nearest }) => nearest === undefined);
  const file = join(import.meta.dirname, "run.ts");
  const flags = ["--disable-warning=ExperimentalWarning", file, what];
  const ran = Array.from({ length: lanes }, async (_, lane) => {
    const names = simulated.filter((_, index) => index % lanes === lane).map(({ name }) => name);
    const { stdout } = await run(process.execPath, [...flags, ...names]);
    return stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Caught);
  });
  return new Map((await Promise.all(ran)).flat().map((one) => [one.name, one]));
}
