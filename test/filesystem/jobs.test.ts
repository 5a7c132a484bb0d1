/** Jobs of the filesystem protocol on the whole cluster: independent clients in Python submit them
 *  and get what existing clients expect. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { countedWords, noPeers, Peer, tracked, wordFunctions } from "./tracked.ts";

const text = Array.from({ length: 900 }, (_, i) => `word${i % 37} ñandú the line ${i}\n`).join("");

test("a client's job runs on the cluster, and its result is the pickle it expects", {
  skip: noPeers,
}, async (t) => {
  const cluster = await tracked(t);
  const functions = cluster.file("functions.py", wordFunctions);
  const data = cluster.file("data.txt", text);
  const client = new Peer(t, "client.py", cluster.port, functions, data);
  const { job } = await client.said("job");
  const done = await client.said("done");
  assert.equal(done.done, `./${job}/result_data`);
  assert.deepEqual(new Map(done.result as [string, number][]), countedWords(text));
  const [row] = done.job_rows as Record<string, string>[];
  assert.deepEqual([row?.status_phase, row?.job_state, row?.data_type], ["DONE", "reduce", "text"]);
  const blocks = done.blocks as Record<string, string>[];
  assert.ok(blocks.some(({ block_id }) => block_id === "map_0"));
  assert.ok(blocks.some(({ block_id }) => block_id === "reduce_0"));
  assert.ok(blocks.every(({ state }) => state === "DONE"));
  const [{ state } = { state: "" }] = await cluster.client.jobs();
  assert.equal(state, "done");
});
