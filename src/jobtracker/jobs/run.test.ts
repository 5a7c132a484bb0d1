/** What the database of a job says while the cluster computes it: an existing tracker that takes
 *  the job over goes on from there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { filesystemOpened } from "../../coordinator/edges/filesystem/testing/client.ts";
import type { JobSummary, StageSummary } from "../../core/summary.ts";
import { FileSystem } from "../files/file-system.ts";
import type { KeptJob } from "./kept.ts";
import { Mirror } from "./mirror.ts";
import { type RunParts, runOnCluster } from "./run.ts";

const here = { host: "127.0.0.1", port: 1 };
const request = {
  jobUrl: "./j",
  jobId: "j",
  dataType: "text",
  client: here,
  functionsUrl: "j/functions.py",
  dataUrl: "j/map_data",
  databaseUrl: "j/database.sqlite3",
};
const job = {
  request,
  submitted: { job: "j-1", reducers: 1 },
} as unknown as KeptJob;

function summary(state: string, ...done: readonly number[]): JobSummary {
  const stages = done.map((count, index) => ({ done: count, taskCount: 2 - index }));
  return { job: "j-1", state, stages: stages as StageSummary[] } as unknown as JobSummary;
}

test("no block is DONE and nothing is reduced before the result is a file", async (t) => {
  const { client } = await filesystemOpened(t);
  await client.putJob("j");
  const files = new FileSystem({ host: "127.0.0.1", port: client.port });
  const mirror = new Mirror(files, request);
  await mirror.insert(here, "./j/result_data");
  await mirror.addBlocks("map", [["j/0_map_slice"], ["j/1_map_slice"]]);
  for (const block of ["map_0", "map_1"]) await mirror.block(block, "SUBMITTED", here);
  await mirror.phase("WAITANSWERS", "map");

  const blocks = async () => {
    const rows = [...(await mirror.blocks("map")), ...(await mirror.blocks("reduce"))];
    return rows.map(({ block_id, state }) => `${block_id} ${state}`);
  };
  let looks = 0;
  const look = async () => {
    looks += 1;
    assert.deepEqual(await blocks(), ["map_0 SUBMITTED", "map_1 SUBMITTED"]);
    const row = await mirror.row();
    assert.deepEqual([row?.job_state, row?.status_phase], ["map", "WAITANSWERS"]);
  };
  const cluster = {
    async *watch() {
      yield summary("running", 1, 0);
      await look();
      yield summary("running", 2, 0);
      await look();
      yield summary("done", 2, 1);
    },
    async *results() {
      await look();
      yield 1n;
    },
  };
  const parts = {
    cluster,
    files,
    kept: { find: () => null, keepResult: () => {} },
    signal: new AbortController().signal,
    lookEveryMs: 60_000,
  };
  assert.equal(await runOnCluster(job, parts as unknown as RunParts), "./j/result_data");
  assert.equal(looks, 3);
  assert.deepEqual(await blocks(), ["map_0 DONE", "map_1 DONE", "reduce_0 DONE"]);
  assert.deepEqual(await mirror.results("reduce"), ["./j/result_data"]);
  assert.deepEqual(await mirror.results("map"), []);
  const row = await mirror.row();
  assert.deepEqual([row?.job_state, row?.status_phase], ["reduce", "DONE"]);
});
