/** Writes down again what happens in every story, or in those that are named: `node
 *  test/scenarios/record.ts silent-worker`. Read the difference before it is committed. */
import { writeFileSync } from "node:fs";
import { storyFiles } from "./files.ts";
import { replayStory } from "./story.ts";

const named = new Set(process.argv.slice(2));
for (const { name, path, text } of storyFiles()) {
  if (named.size > 0 && !named.has(name)) continue;
  try {
    const happened = replayStory(text);
    if (happened === text) continue;
    writeFileSync(path, happened);
    process.stdout.write(`${name} has changed\n`);
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(`${name}: ${(error as Error).message}\n`);
  }
}
