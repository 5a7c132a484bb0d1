/** The figures of the seeds that are given, as one line of JSON. */
import { figures } from "../../sim/figures.ts";

console.log(JSON.stringify(await figures(process.argv.slice(2).map(Number), false)));
