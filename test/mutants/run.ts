/** Runs seeds on the product with one planted bug until a judge sees it: `node run.ts <name> <seeds>`. The
 *  source is changed while it is loaded; nothing on the disk is. Prints one line of JSON. */
import { registerHooks } from "node:module";
import { mutants } from "./catalogue.ts";

const [name = "", seedsMax = "500"] = process.argv.slice(2);
const mutant = mutants.find((one) => one.name === name);
if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
const changes = new Map(mutant.changes.map((change) => [change.file, change]));
const applied = new Set<string>();

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const file = [...changes.keys()].find((one) => url.endsWith(`/src/${one}`));
    if (file === undefined || loaded.source === undefined) return loaded;
    const source = String(
      typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source),
    );
    const { find, put } = changes.get(file)!;
    if (source.split(find).length !== 2) {
      throw new Error(`${name}: src/${file} does not have exactly one: ${find}`);
    }
    applied.add(file);
    return { ...loaded, source: source.replace(find, () => put) };
  },
});

const { simulate } = await import("../../src/sim/cluster.ts");
if (applied.size !== changes.size) throw new Error(`${name}: a file of the change was not loaded`);
let caught: { seed: number; message: string } | null = null;
let seeds = 0;
for (let seed = 1; seed <= Number(seedsMax) && caught === null; seed++) {
  const { broken } = await simulate({ seed });
  seeds += 1;
  if (broken !== null) caught = { seed, message: broken.message };
}
console.log(JSON.stringify({ name, seeds, caught }));
