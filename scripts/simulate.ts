/** `npm run simulate -- --seed 7`: sets the engine up, and does what scripts/simulation/main.ts
 *  says. Apart from it, so that what is loaded there is compiled with these settings. */
import module from "node:module";
import { setFlagsFromString } from "node:v8";

// Much code runs for a short time here: what the engine would spend on inlining more than this it
// does not win back, in 24 hours of a cluster nor in 200.
setFlagsFromString("--max-inlined-bytecode-size-cumulative=200");
// What was compiled the last time need not be compiled again.
module.enableCompileCache();

await import("./simulation/main.ts");
