/** Prints the names of the stories that no longer happen as they are written, as JSON; run with a
 *  planted bug. */
import { storyFiles } from "./files.ts";
import { replayStory } from "./story.ts";

const changed = storyFiles().filter(({ text }) => {
  try {
    return replayStory(text) !== text;
  } catch {
    return true;
  }
});
process.stdout.write(JSON.stringify(changed.map(({ name }) => name)));
