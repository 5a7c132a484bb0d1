/** Looks for the quickest seed of each planted bug and writes `known-seeds.ts` again; needed when
 *  the test reports that known seeds no longer show their bugs. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mutants } from "./catalogue.ts";
import { runMutants } from "./lanes.ts";

const file = join(import.meta.dirname, "known-seeds.ts");
const found = await runMutants("quickest");
const rows = mutants
  .map(({ name }) => [name, found.get(name)?.seed ?? null] as const)
  .filter(([, seed]) => seed !== null)
  .map(([name, seed]) => `  ${JSON.stringify(name)}: ${seed},\n`);
const [head] = readFileSync(file, "utf8").split("export const");
const type = "Readonly<Record<string, number>>";
writeFileSync(file, `${head}export const knownSeeds: ${type} = {\n${rows.join("")}};\n`);
