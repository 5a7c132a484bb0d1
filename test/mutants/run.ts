/** Runs seeds on the product with one planted bug until a judge sees it: `node run.ts <name>
 *  <seeds>`. The source is changed while it is loaded; nothing on the disk is. Prints one line of
 *  JSON. */
import { registerHooks } from "node:module";
import { mutants } from "./catalogue.ts";

const [name = "", seedsMax = "500"] = process.argv.slice(2);
const mutant = mutants.find((one) => one.name === name);
if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
const { changes } = mutant;
const applied = new Set<string>();

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const here = changes.filter(({ file }) => url.endsWith(`/src/${file}`));
    if (here.length === 0 || loaded.source === undefined) return loaded;
    const { source } = loaded;
    let text = typeof source === "string" ? source : new TextDecoder().decode(source);
    for (const { file, find, put } of here) {
      if (text.split(find).length !== 2) {
        throw new Error(`${name}: src/${file} does not have exactly one: ${find}`);
      }
      text = text.replace(find, () => put);
      applied.add(file);
    }
    return { ...loaded, source: text };
  },
});

const { simulate } = await import("../../src/sim/simulate.ts");
for (const { file } of changes) {
  if (!applied.has(file)) throw new Error(`${name}: src/${file} was not loaded`);
}
let caught: { seed: number; message: string } | null = null;
let seeds = 0;
for (let seed = 1; seed <= Number(seedsMax) && caught === null; seed++) {
  const { broken } = await simulate({ seed });
  seeds += 1;
  if (broken !== null) caught = { seed, message: broken.message };
}
console.log(JSON.stringify({ name, seeds, caught }));
