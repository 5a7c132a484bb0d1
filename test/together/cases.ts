/** One job with one input: planned, computed by the judge once, and submitted any number of
 *  times. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JobSummary } from "../../src/core/summary.ts";
import { hostId } from "../../src/link/host.ts";
import type { BuiltJob } from "../../src/sdk/bundle.ts";
import type { Client } from "../../src/sdk/client.ts";
import { collect, saveResult } from "../../src/sdk/collect.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { type Planned, planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { inputsEach, type JobKind } from "./kinds.ts";

export type Case = {
  readonly name: string;
  readonly kind: JobKind;
  readonly built: BuiltJob;
  readonly planned: Planned;
  /** All files of the judge's result. */
  readonly expected: string;
};

/** A job that takes longer hangs: far more than any takes on a busy machine. */
const jobMaxMs = 900_000;

export async function casesOf(kinds: readonly JobKind[], folder: string): Promise<Case[]> {
  const cases: Case[] = [];
  for (const [index, kind] of kinds.entries()) {
    let built: BuiltJob | null = null;
    for (let input = 0; input < inputsEach; input++) {
      const place = join(folder, `${index}-${input}`);
      mkdirSync(place);
      if (built === null || kind.isByInput) built = await kind.build(place, "job", input);
      const inputs = Object.entries(kind.contents(input)).map(([name, content]) => {
        const path = join(place, `${name}.txt`);
        writeFileSync(path, content);
        return name === "default" ? path : `${name}=${path}`;
      });
      // Of another input: of equal code, and with other params.
      const given = built.job.options.params;
      const params = given !== undefined && "input" in given ? { input } : {};
      const options = { inputs, params, host: hostId(), ...kind.options };
      const planned = await planJob(built.job, options);
      const { result } = await runLocal(built.job, planned);
      await saveResult(result, { kind: "folder", path: join(place, "judge") });
      const expected = textOf(join(place, "judge"));
      const name = `${kind.name}, input ${input}`;
      cases.push({ name, kind, built, planned, expected });
    }
  }
  return cases;
}

/** Null when the result is the judge's; else what is wrong with it. */
export async function runCase(client: Client, one: Case, out: string): Promise<string | null> {
  const id = await submitJob(client, one.built, one.planned, { name: one.name });
  let last: JobSummary | null = null;
  const signal = AbortSignal.timeout(jobMaxMs);
  for await (const summary of client.watch(id as never, { signal })) last = summary;
  assert.ok(last !== null);
  if (last.state !== "done") return `${one.name}: ${id} ${JSON.stringify(last.failure)}`;
  await collect(client, last, { kind: "folder", path: out });
  const text = textOf(out);
  rmSync(out, { recursive: true, force: true });
  return text === one.expected ? null : `${one.name}: ${id} has another result:\n${text}`;
}

/** Every file, by name. */
function textOf(folder: string): string {
  const names = readdirSync(folder).sort();
  return names.map((name) => `== ${name}\n${readFileSync(join(folder, name), "utf8")}`).join("");
}
