/** The stories in `test/scenarios`, replayed on the core: what happens is what they say. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { mutants } from "../mutants/catalogue.ts";
import type { Mutant } from "../mutants/mutant.ts";
import { planted } from "../mutants/mutant.ts";
import { placeOf } from "../mutants/places.ts";
import { storyFiles } from "./files.ts";
import { replayStory } from "./story.ts";

const again = "if the change is meant: node test/scenarios/record.ts";

for (const { name, text } of storyFiles()) {
  test(`story: ${name}`, () => {
    assert.equal(replayStory(text), text, again);
  });
}

test("no story changes when the state is saved and loaded after every event", () => {
  for (const { name, text } of storyFiles()) {
    assert.equal(replayStory(text, { reloads: true }), text, name);
  }
});

test("every story says what it is about before anything happens, and breaks no law", () => {
  for (const { name, text } of storyFiles()) {
    assert.match(text, /^# \S/, name);
    assert.doesNotMatch(text, /BROKEN LAW/, name);
  }
});

test("a line that is no command is an error that names it", () => {
  assert.throws(() => replayStory("worker 1 dances"), /no command of a story: worker 1 dances/);
  assert.throws(() => replayStory("ana submits 3 pies"), /no job: 3 pies/);
  assert.throws(() => replayStory("worker 1 leaves"), /no worker 1 has joined/);
});

/** Bugs of the catalogue, and stories that must show them. */
const shown: Readonly<Record<string, readonly string[]>> = {
  "late report accepted under the lease of another attempt": ["silent-worker"],
  "outputs of a lost worker are still counted on": ["a-lost-map-output"],
  "backup committed beside the first attempt": ["backup-task"],
  "user errors have no limit": ["retry-and-final-failure"],
  "a worker that gave attempts back stays idle": ["a-tab-comes-and-goes"],
  "a lease ends twice when the loss of a worker ends a job (bug 1 of the track record)": [
    "a-lease-ends-once",
  ],
  "jobs that ended meanwhile are never closed (bug 2 of the track record)": [
    "closed-when-it-comes-back",
  ],
  "idempotency keys are not in the snapshot": ["the-same-key", "a-snapshot-in-the-middle"],
};

/** Bugs of the track record that the catalogue has no planted twin of. */
const others: ReadonlyArray<readonly [Mutant, story: string]> = [
  [
    planted(
      "a task is returned and given again (6)",
      "returnAttempt",
      "$lease.takenBack !== true",
      "false",
    ),
    "returned-tasks-do-not-bounce",
  ],
  [
    planted(
      "a backup waits for an idle worker (10)",
      "step",
      "giveWantedBackups($state, $effects);",
      "",
    ),
    "backup-gets-the-next-free-slot",
  ],
  [
    planted("every holder of a task is blamed", "loseWorker", "$lease.startedAtMs > 0", "true"),
    "not-announced-not-blamed",
  ],
];

const run = promisify(execFile);

/** Names of the stories that change when the bug is planted. */
async function changedBy(bug: Mutant): Promise<string[]> {
  const plant = pathToFileURL(join(import.meta.dirname, "..", "mutants", "plant.ts")).href;
  const changed = join(import.meta.dirname, "changed.ts");
  const env = {
    ...process.env,
    NODE_TEST_CONTEXT: undefined,
    PLACES: JSON.stringify(bug.edits.map(placeOf)),
  };
  const { stdout } = await run(process.execPath, ["--import", plant, changed], { env });
  return JSON.parse(stdout);
}

test("planted bugs change the stories about them", async () => {
  for (const [name, stories] of Object.entries(shown)) {
    const bug = mutants.find((one) => one.name === name);
    assert.ok(bug !== undefined, name);
    const changed = await changedBy(bug);
    for (const story of stories) assert.ok(changed.includes(story), `${name}: ${changed}`);
  }
});

test("bugs of the track record, planted again, change the stories about them", async () => {
  for (const [bug, story] of others) {
    const changed = await changedBy(bug);
    assert.ok(changed.includes(story), `${bug.name}: ${changed}`);
  }
});
