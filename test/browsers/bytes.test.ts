/** A tab's output equals a task process's byte for byte, so that any worker's output can replace
 *  another's. */
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { taskCode } from "../../scripts/browsers/tab-code.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import type { Job } from "../../src/sdk/job.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { decodeManifest } from "../../src/wire/block/manifest.ts";
import type { Plan } from "../../src/wire/block/plan.ts";
import type { TaskOrder } from "../../src/worker/browser/contract.ts";
import { piecesOf } from "../../src/worker/browser/tab/pieces.ts";
import { memorySource } from "../../src/worker/kernels/byte-source.ts";
import { operatorKernel } from "../../src/worker/operators/kernel.ts";
import { jobIn } from "../../src/worker/task/job.ts";
import { runMap } from "../../src/worker/task/map-task.ts";
import { runReduce } from "../../src/worker/task/reduce-task.ts";
import { options, sharedChromium } from "./chromium.ts";
import { runInTab } from "./in-tab.ts";

const chromium = sharedChromium();
const folder = newFolder("tab-bytes-");
let page: Page;
let code = "";
before(async () => {
  if (options.skip !== false) return;
  code = await taskCode();
  page = await (await chromium.browser()).newPage();
});
after(() => removeFolder(folder));

const words = "The quick brown fox, l'été 海 and the lazy ünïcode dog; isn't it?\n";
const text = Array.from({ length: 3_000 }, (_, i) => `${words}line ${i % 77} of ${i}\n`).join("");
const orders = Array.from({ length: 2_000 }, (_, i) =>
  JSON.stringify({ id: i % 300, city: `city ${(i * 7) % 40}`, sum: (i * 37) % 1_000 }),
).join("\n");

const sources: Readonly<Record<string, { readonly job: string; readonly input: string }>> = {
  "pairs of a user's functions, spilled": {
    job: `import { mapReduce, text } from "tequio";
      export default mapReduce({ input: text.lines(),
        map(line, emit, { offset }) {
          for (const word of line.split(" ")) emit(word, 1);
          emit([line.length, "long"], { offset });
        },
        reduce: (key, values) => [...values].length + JSON.stringify([...[key]]).length });`,
    input: text,
  },
  "combined words": {
    job: `import { mapReduce, text } from "tequio";
      export default mapReduce({ input: text.words(), map: (word, emit) => emit(word, 1),
        combine: (a, b) => a + b });`,
    input: text,
  },
  "the operator that counts": {
    job: `import { text } from "tequio"; export default text.words().count();`,
    input: text,
  },
  "the operator that sorts": {
    job: `import { text } from "tequio"; export default text.lines().sort();`,
    input: text,
  },
  "the operator that sums": {
    job: `import { text } from "tequio";
      export default text.json(["city", "sum"]).by("city").sum("sum");`,
    input: orders,
  },
  "records set aside as bad": {
    job: `import { mapReduce, ndjson } from "tequio";
      export default mapReduce({ input: ndjson(), badRecords: "keep",
        map({ id }, emit) {
          if (id % 50 === 0) throw new Error("ünfit");
          emit(id, id / 3);
        } });`,
    input: `${orders}\nno json\n`,
  },
};

type Made = Readonly<Record<string, Buffer>>;

for (const [name, { input, job }] of Object.entries(sources)) {
  test(`a tab makes the bytes of a task process: ${name}`, options, async () => {
    const file = join(folder, `${name.replaceAll(/\W/g, "-")}.ts`);
    writeFileSync(file, job);
    const inputs = [`${file}.txt`];
    writeFileSync(inputs[0]!, input);
    const built = await bundleJob(file);
    const sizes = { splitBytes: 70_000, spillBytes: 20_000, reducers: 2 };
    const { plan } = await planJob(built.job as Job, {
      inputs,
      params: {},
      host: "here",
      ...sizes,
    });
    const bundle = Buffer.from(built.code).toString();
    const runs: Buffer[][] = Array.from({ length: plan.reducers }, () => []);
    for (let task = 0; task < plan.splits.length; task++) {
      const made = await bothWays(plan, bundle, { kind: "map", task, segments: [] });
      const manifest = decodeManifest(made.manifest!);
      for (const [i, { offset, sizeBytes }] of [...manifest].entries()) {
        runs[i]!.push(made.run!.subarray(offset, offset + sizeBytes));
      }
    }
    assert.ok(plan.splits.length >= 2);
    for (const [task, segments] of runs.entries()) {
      await bothWays(plan, bundle, { kind: "reduce", task, segments });
    }
  });
}

type Work = {
  readonly kind: "map" | "reduce";
  readonly task: number;
  readonly segments: readonly Buffer[];
};

/** The files of a task, which are the same in Node and in the tab. */
async function bothWays(plan: Plan, bundle: string, work: Work): Promise<Made> {
  const { kind, segments, task } = work;
  const read = async (index: number, start: number, end: number) => {
    const { at } = plan.files[index]!;
    assert.ok(at.kind === "path");
    return Uint8Array.from(readFileSync(at.path).subarray(start, end));
  };
  const order: TaskOrder = {
    kind,
    group: "bytes",
    stage: kind === "map" ? 0 : 1,
    code: plan.operator === undefined ? bundle : "",
    plan,
    attempts: [{ task, attempt: 1 }],
    pieces: kind === "map" ? await piecesOf(plan, task, read) : [],
    // Plain arrays: Node's have another form as JSON.
    segments: segments.map((bytes) => new Uint8Array(bytes)),
    items: [],
    filesMaxBytes: 64 * 1024 * 1024,
    around: {},
  };
  const { files, messages } = await runInTab(page, code, order);
  const node = await inNode(bundle, order);
  assert.deepEqual(Object.keys(files).sort(), Object.keys(node).sort(), JSON.stringify(messages));
  for (const [name, bytes] of Object.entries(node)) {
    assert.ok(bytes.equals(files[name]!), `${kind} ${task}: ${name} differs`);
  }
  return node;
}

async function inNode(bundle: string, order: TaskOrder): Promise<Made> {
  const { attempts, kind, pieces, plan, segments } = order;
  const out = join(folder, "node");
  const [{ task } = { task: 0 }] = attempts;
  const kernel = plan.operator === undefined ? null : operatorKernel(plan.operator);
  const path = join(folder, "bundle.mjs");
  writeFileSync(path, bundle);
  const job = kernel?.job ?? jobIn(await import(`${pathToFileURL(path)}?${bundle.length}`));
  assert.ok(job.kind === "map-reduce");
  const { params } = plan;
  if (kind === "map") {
    const given = { job, plan, params, task, source: memorySource(pieces), out };
    kernel?.map?.(given) ?? runMap(given);
  } else {
    const lying = segments.map((bytes, i) => {
      writeFileSync(`${out}.in-${i}`, bytes);
      return { path: `${out}.in-${i}`, offset: 0, sizeBytes: bytes.length };
    });
    const given = { job, params, task, segments: lying, out };
    kernel?.reduce?.(given) ?? runReduce(given);
  }
  const made: Record<string, Buffer> = {};
  for (const name of ["run", "manifest", "part", "bad"]) {
    try {
      made[name] = readFileSync(`${out}.${name}`);
      rmSync(`${out}.${name}`);
    } catch {
      // Not every task makes every file.
    }
  }
  return made;
}
