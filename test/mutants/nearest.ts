/** Runs the one test that must fail when a bug is planted, in a process of its own. The test is
 *  found by its title, wherever its file is. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import type { Mutant } from "./mutant.ts";
import { placeOf } from "./places.ts";

/** Exit code of a test that never loaded the file with the bug. */
export const notLoaded = 97;

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");

/** What the test printed when it failed; null when it passed, and so has not seen the bug. Throws
 *  when it did neither: one that only took too long has seen nothing, since a machine may be as
 *  slow without the bug. What waits for ever because of it fails by itself, as soon as nothing is
 *  left that it could wait for. */
export async function failureOf(
  mutant: Mutant,
  title: string,
  limitMs = waitMaxMs,
): Promise<string | null> {
  const plant = pathToFileURL(join(import.meta.dirname, "plant.ts")).href;
  const pattern = `^${title.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`;
  const flags = ["--import", plant, "--test-name-pattern", pattern, "--test-reporter", "tap"];
  const PLACES = JSON.stringify(mutant.edits.map(placeOf));
  const { firstSeed } = mutant;
  const seeds = firstSeed === undefined ? {} : { FIRST_SEED: `${firstSeed}` };
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, PLACES, ...seeds };
  try {
    await run(process.execPath, [...flags, fileOf(title)], { cwd: root, env, timeout: limitMs });
    return null;
  } catch (error) {
    const { code, killed, stderr, stdout } = error as Failed;
    if (killed || stdout.includes("failureType: 'testTimeoutFailure'")) {
      throw new Error(`${mutant.name}: "${title}" did not end in time, which shows nothing`);
    }
    const isRun = code !== notLoaded && stdout.includes(`not ok 1 - ${title}`);
    if (isRun && !/is not defined|SyntaxError/.test(stdout)) return stdout;
    throw new Error(`${mutant.name}: its test did not run (${code}): ${stdout}\n${stderr}`);
  }
}

type Failed = { code?: number; killed?: boolean; stdout: string; stderr: string };

/** The only test file that has a test of this title. */
export function fileOf(title: string): string {
  const line = `test("${title}",`;
  texts ??= new Map(testFiles().map((file) => [file, readFileSync(join(root, file), "utf8")]));
  const found = [...texts].filter(([, text]) => text.includes(line)).map(([file]) => file);
  if (found.length === 1) return found[0]!;
  throw new Error(`"${title}" must be the title of exactly one test; it is in [${found}]`);
}

/** Of all files of tests, read once. */
let texts: ReadonlyMap<string, string> | null = null;

function testFiles(): string[] {
  const files = ["src", "test"].flatMap((folder) => {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
    return names.map((name) => join(folder, name));
  });
  return files.filter((file) => file.endsWith(".test.ts"));
}
