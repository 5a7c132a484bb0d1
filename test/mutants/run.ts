/** Runs seeds on the product with one planted bug after the other, until a judge sees it: `node
 *  run.ts <name> …`. The source is changed while it is loaded; nothing on the disk is. Each bug has
 *  modules of its own where it can be seen, all in one process: starting a process takes longer
 *  than most bugs survive. Prints one line of JSON for each. */
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import type { simulate } from "../../sim/simulate.ts";
import { goals } from "../simulation/goals.ts";
import { mutants } from "./catalogue.ts";
import { importersOf } from "./importers.ts";
import { knownSeeds } from "./known-seeds.ts";
import type { Mutant } from "./mutant.ts";
import { placeOf } from "./places.ts";
import { type Place, planted } from "./planting.ts";

export type Caught = {
  readonly name: string;
  readonly seed: number | null;
  readonly message: string;
  /** Seeds that it lived through. */
  readonly survived: number;
};

const seedsMax = goals.seeds;
const mark = "?mutant=";
const simulation = new URL("../../sim/simulate.ts", import.meta.url).href;
const root = new URL("../../", import.meta.url).href;
const [entry = "", ...names] = process.argv.slice(2);
/** By name of the file: what it has become without types. */
const stripped = new Map<string, string>();
const applied = new Set<string>();
let places: readonly Place[] = [];
/** URLs of the modules that this bug has of its own. */
let own: ReadonlySet<string> = new Set();

registerHooks({
  resolve(specifier, context, nextResolve) {
    const found = nextResolve(specifier, context);
    const [, number] = (context.parentURL ?? "").split(mark);
    if (number === undefined || !own.has(found.url)) return found;
    return { ...found, url: `${found.url}${mark}${number}` };
  },
  load(url, context, nextLoad) {
    const [file = "", number] = url.split(mark);
    if (number === undefined) return nextLoad(url, context);
    return { format: "module", source: textOf(file), shortCircuit: true };
  },
});

function textOf(url: string): string {
  const here = places.filter(({ file }) => url === `${root}${file}`);
  const known = stripped.get(url);
  if (here.length === 0 && known !== undefined) return known;
  const text = readFileSync(fileURLToPath(url), "utf8");
  for (const { file } of here) applied.add(file);
  const code = stripTypeScriptTypes(planted(text, url.slice(root.length), here));
  if (here.length === 0) stripped.set(url, code);
  return code;
}

async function loaded(mutant: Mutant): Promise<typeof simulate> {
  places = mutant.edits.map(placeOf);
  const changed = new Set(places.map(({ file }) => root + file));
  own = importersOf(changed, simulation).add(simulation);
  applied.clear();
  const module = await import(`${simulation}${mark}${mutants.indexOf(mutant)}`);
  for (const { file } of places) {
    if (!applied.has(file)) throw new Error(`${mutant.name}: ${file} was not loaded`);
  }
  return module.simulate;
}

/** What a seed shows of a bug; null = nothing. An edit that is invalid code shows nothing. */
function shown(mutant: Mutant, broken: Error | null): string | null {
  if (broken instanceof ReferenceError) {
    throw new Error(`${mutant.name}: names that its edit uses are gone: ${broken.message}`);
  }
  return broken?.message ?? null;
}

/** The seed that has shown it before, then all. */
async function caught(mutant: Mutant): Promise<Caught> {
  const run = await loaded(mutant);
  const known = knownSeeds[mutant.name];
  const others = Array.from({ length: seedsMax }, (_, index) => index + 1);
  const seeds = known === undefined ? others : [known, ...others.filter((one) => one !== known)];
  let survived = 0;
  for (const seed of seeds) {
    const { broken } = await run({ seed, rates: mutant.rates ?? {} });
    const message = shown(mutant, broken);
    if (message !== null) return { name: mutant.name, seed, message, survived };
    survived += 1;
  }
  return { name: mutant.name, seed: null, message: "", survived };
}

/** The seed that has shown it before, if it still does; else, of the first seeds that show it, the
 *  one with the fewest events. */
async function quickest(mutant: Mutant): Promise<Caught> {
  const run = await loaded(mutant);
  const known = knownSeeds[mutant.name];
  if (known !== undefined) {
    const { broken } = await run({ seed: known, rates: mutant.rates ?? {} });
    const message = shown(mutant, broken);
    if (message !== null) return { name: mutant.name, seed: known, message, survived: 0 };
  }
  let best: Caught = { name: mutant.name, seed: null, message: "", survived: 0 };
  let fewest = Infinity;
  for (let seed = 1; seed <= seedsMax && (seed <= 40 || best.seed === null); seed++) {
    const { broken, events } = await run({ seed, rates: mutant.rates ?? {} });
    const message = shown(mutant, broken);
    if (message === null || events >= fewest) continue;
    fewest = events;
    best = { ...best, seed, message };
  }
  return best;
}

for (const name of names) {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  const found = entry === "quickest" ? await quickest(mutant) : await caught(mutant);
  console.log(JSON.stringify(found));
}
