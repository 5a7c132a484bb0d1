/** What the conformance tests share: a fresh directory for every test, and the list of skipped
 *  tests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

/** Tests that a store cannot pass, and why, so that differences between stores are documented. */
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

/** Registers the tests under their names; an unknown name in `skips` is an error. */
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
