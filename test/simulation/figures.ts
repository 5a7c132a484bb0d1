/** The figures of the seeds that are given, as one line of JSON. */
import { figures, halfFleet } from "../../sim/figures.ts";

const seeds = process.argv.slice(2).map(Number);
console.log(JSON.stringify(await figures(seeds, { size: halfFleet })));
