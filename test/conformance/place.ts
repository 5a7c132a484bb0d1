/** What the conformance suites share: a fresh directory for every test, and the list of tests left
 *  out. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

/** Tests that a store cannot pass, and why: differences between stores are a list, not folklore. */
export type Skips = ReadonlyArray<{ readonly reason: string; readonly tests: readonly string[] }>;

/** Runs `run` in a new directory that is removed afterwards. */
export async function inPlace(run: (place: string) => Promise<void>): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), "store-"));
  try {
    await run(place);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** Registers the tests under their names; a name in `skips` that is no test is a mistake. */
export function runSuite(
  suite: string,
  tests: Readonly<Record<string, (place: string) => Promise<void>>>,
  skips: Skips = [],
): void {
  const reasons = new Map(
    skips.flatMap(({ reason, tests }) => tests.map((name) => [name, reason])),
  );
  for (const name of reasons.keys()) {
    if (!(name in tests)) throw new Error(`${suite} has no test "${name}" to skip`);
  }
  for (const [name, run] of Object.entries(tests)) {
    test(`${suite}: ${name}`, { skip: reasons.get(name) ?? false }, () => inPlace(run));
  }
}
