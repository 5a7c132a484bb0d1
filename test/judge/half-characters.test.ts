/** Half a character (a lone surrogate) is in a result as it was, or the job fails and says so: on
 *  workers, in the client that makes tables, and in the judge alike. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Cluster, ClusterError, connect } from "../../src/client/index.ts";
import { type Emit, type Job, mapReduce, tasks, text } from "../../src/index.ts";
import type { TableOutput } from "../../src/sdk/job.ts";
import type { ResultPart } from "../../src/sdk/job-result.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";

const json = text.json(["s", "n"]);
const outputs: readonly TableOutput[] = ["ndjson", "text", "csv", "parquet"];

/** Jobs whose result has the text "\ud800x". */
function jobsOf(output: TableOutput): readonly (readonly [name: string, job: Job])[] {
  const map = ({ s, n }: { s: unknown; n: unknown }, emit: Emit<string, number>) =>
    emit(s as string, n as number);
  const sorts: readonly (readonly [string, Job])[] =
    output === "text"
      ? []
      : [
          ["sort", json.sort({ output, by: "n" })],
          ["sort that keeps bad records", json.sort({ output, badRecords: "keep" })],
          ["topK", json.topK(1, { output, by: "s" })],
          ["distinct", json.distinct({ output })],
        ];
  return [
    ["table", json.table().with({ output })],
    [
      "sorted table",
      json
        .where((row) => row.n.gt(0))
        .with({ output })
        .sort("s"),
    ],
    ["groups", json.by("s").count({ output })],
    ["mapReduce", mapReduce({ input: json, map, output })],
    ["tasks", tasks({ items: [1], run: () => "\ud800x", output })],
    ...sorts,
  ];
}

let cluster: Cluster;
let folder = "";
let input = "";

before(async () => {
  folder = newFolder("tequio-half-");
  input = join(folder, "half.ndjson");
  await writeFile(input, '{"s":"\\ud800x","n":1}\n{"s":"b","n":2}\n');
  cluster = await connect({ local: true, slots: 2 });
});
after(async () => {
  await cluster.close();
  removeFolder(folder);
});

async function bytesOf(parts: readonly AsyncIterable<Uint8Array>[]): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (const part of parts) for await (const chunk of part) chunks.push(chunk.slice());
  return Buffer.concat(chunks).toString("utf8");
}

/** The result, or the code of the error. */
async function outcomeOf(parts: () => Promise<readonly AsyncIterable<Uint8Array>[]>) {
  try {
    return await bytesOf(await parts());
  } catch (error) {
    assert.ok(error instanceof ClusterError, String(error));
    assert.match(error.message, /half a character .*use output: "ndjson"/);
    return error.code;
  }
}

async function judged(job: Job, inputs: readonly string[]) {
  const shared = async () => [];
  const planned = await planJob(job, { inputs, params: {}, host: "h", shared });
  const { result } = await runLocal(job, planned);
  return result.parts.map((part: ResultPart) => part.read());
}

for (const output of outputs) {
  test(`half a character in ${output} is kept or refused, never replaced`, async () => {
    for (const [name, job] of jobsOf(output)) {
      const inputs = job.kind === "tasks" ? [] : [input];
      const computed = await outcomeOf(async () => {
        const files = await (await cluster.run(job, { inputs })).files();
        return files.map((file) => file.bytes());
      });
      assert.equal(await outcomeOf(() => judged(job, inputs)), computed, name);
      if (output === "ndjson") assert.match(computed, /\\ud800x/, name);
      else assert.equal(computed, "user-error", name);
    }
  });
}
