/** A job of a test, written to a folder of its own and planned, as a user would have it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostId } from "../../src/link/host.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { planJob } from "../../src/sdk/plan.ts";

let number = 0;

/** `source`: the job's expression. `text`: its input, cut into splits of `splitBytes`; "" = it has
 *  none. */
export async function writtenJob(
  folder: string,
  source: string,
  { splitBytes, text }: { readonly splitBytes: number; readonly text: string },
) {
  const at = join(folder, `job-${++number}`);
  mkdirSync(at);
  const [file, input] = [join(at, "job.ts"), join(at, "input.txt")];
  const head = `import { mapReduce, tasks, type Emit } from "tequio";`;
  writeFileSync(file, `${head}\nexport default ${source};\n`);
  writeFileSync(input, text);
  const built = await bundleJob(file);
  const inputs = text === "" ? {} : { inputs: [input], splitBytes };
  const planned = await planJob(built.job, { inputs: [], params: {}, host: hostId(), ...inputs });
  return { built, planned };
}
