/** What a conformance suite is: a list of named checks, for any test runner. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One requirement. Checks do not depend on each other and may run in any order. */
export type Check = {
  /** A sentence; unique in its suite, and what `Skips` name. */
  readonly name: string;
  /** Why it is left out; null = it is to be run. */
  readonly skip: string | null;
  /** Rejects when the requirement is not met, with an `AssertionError` or the error that came
   *  instead. Opens what it needs and closes it. Has no time limit of its own: a check that waits
   *  for what never comes is for the runner's limit. May be run again. */
  readonly run: () => Promise<void>;
};

/** Checks that a store or link cannot pass, and why: differences are a list, not folklore. */
export type Skips = ReadonlyArray<{ readonly reason: string; readonly tests: readonly string[] }>;

/** `skip`: default none. */
export type SuiteOptions = { readonly skip?: Skips };

/** Runs `run` in a new directory that is removed afterwards. */
export async function inPlace(run: (place: string) => Promise<void>): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), "store-"));
  try {
    await run(place);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** Throws for a name in `skip` that is no check: it would leave nothing out. */
export function checksOf(
  suite: string,
  runs: Readonly<Record<string, () => Promise<void>>>,
  { skip = [] }: SuiteOptions,
): Check[] {
  const reasons = new Map(skip.flatMap(({ reason, tests }) => tests.map((name) => [name, reason])));
  for (const name of reasons.keys()) {
    if (!(name in runs)) throw new Error(`the ${suite} suite has no check "${name}" to skip`);
  }
  return Object.entries(runs).map(([name, run]) => ({
    name,
    skip: reasons.get(name) ?? null,
    run,
  }));
}
