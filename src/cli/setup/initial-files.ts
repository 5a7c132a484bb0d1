/** What `tequio init` writes: a job that counts words, its test, and a project around them. */

const job = `/** Counts the words of its input. */
import { type Emit, mapReduce, text } from "tequio";

export default mapReduce({
  name: "words",
  input: text.words({ lowercase: true }),
  map(word, emit: Emit<string, number>) {
    emit(word, 1);
  },
  combine: (a, b) => a + b,
});
`;

const test = `/** The job on a cluster inside the test's own process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "tequio/client";
import job from "./job.ts";

test("words are counted, whatever their case", async () => {
  await using cluster = await connect({ local: true, slots: 1 });
  const result = await cluster.run(job, { inputs: "sample.txt" });
  const counts = Object.fromEntries(await result.toArray());
  assert.equal(counts.the, 3);
  assert.equal(counts.work, 2);
});
`;

const sample = `The work of all is the work of the village.
`;

const compilerOptions = {
  target: "es2024",
  lib: ["es2024", "esnext.disposable"],
  module: "nodenext",
  types: ["node"],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  erasableSyntaxOnly: true,
  allowImportingTsExtensions: true,
};

const condition = "tequio-source";
/** Sources are compiled with the project, as strictly as they are written. */
const ofSources = {
  customConditions: [condition],
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
};

/** By name. `version`: of this package; `checkout`: where its sources lie, which the project then
 *  uses; null = it is an installed package. */
export function initialFiles(
  version: string,
  checkout: string | null,
): Readonly<Record<string, string>> {
  const isSource = checkout !== null;
  const project = {
    private: true,
    type: "module",
    scripts: {
      test: isSource ? `node --conditions=${condition} --test` : "node --test",
      start: "tequio run --local job.ts sample.txt -o -",
    },
    devDependencies: {
      tequio: isSource ? `file:${checkout}` : `^${version}`,
      "@types/node": "^24.0.0",
      typescript: "^6.0.0",
    },
  };
  const options = isSource ? { ...compilerOptions, ...ofSources } : compilerOptions;
  return {
    "job.ts": job,
    "job.test.ts": test,
    "sample.txt": sample,
    "package.json": json(project),
    "tsconfig.json": json({ compilerOptions: options }),
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
