/** A file system that dies in the middle of APPENDBLOCK, and is started again: the values of the
 *  block are in all of its files, once, whatever the executor did meanwhile. */
import assert from "node:assert/strict";
import { Client } from "../../src/coordinator/edges/filesystem/testing/client.ts";
import { temporaryFolder } from "../../src/store/testing/at-end.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { readPickle } from "../../src/wire/filesystem/pickle/reader.ts";
import { startArmed } from "./armed.ts";

const database = { status_db_url: "j/database.sqlite3" };
const files = ["j/one", "j/two"];

/** The failpoints that it did not die at. */
export async function appendLane(failpoints: readonly string[]): Promise<string[]> {
  const missed: string[] = [];
  for (const failpoint of failpoints) {
    using folder = temporaryFolder("tequio-failpoint-");
    const first = await startFiles(folder.path, failpoint);
    await first.client.putJob("j");
    await insert(first.client, "map_0");
    await append(first.client, "map_0", 1n);
    await isDone(first.client, "map_0");
    await insert(first.client, "map_1");
    const { ended } = first.process;
    const answer = append(first.client, "map_1", 2n).catch(() => null);
    const isAccepted = (await Promise.race([answer, ended.then(() => null)])) === "OK";
    if ((await ended).signal !== "SIGKILL") missed.push(failpoint);

    const { client, process } = await startFiles(folder.path);
    await using _ = { [Symbol.asyncDispose]: () => process.stop("SIGKILL").then(() => {}) };
    // A tracker looks only when the file system answers again.
    const state = await stateOf(client, "map_1");
    const expected = state === "DONE" ? [1, 2] : [1];
    for (const file of files) assert.deepEqual(await valuesOf(client, file), expected, failpoint);
    assert.ok(state === "DONE" || state === "ADDED", `${failpoint}: ${state}`);
    if (isAccepted) assert.equal(state, "DONE", failpoint);
    // It would give the block to another worker now.
    if (state !== "DONE") await append(client, "map_1", 2n);
    await isDone(client, "map_1");
    for (const file of files) assert.deepEqual(await valuesOf(client, file), [1, 2], failpoint);
    assert.equal((await process.stop("SIGTERM")).code, 0, process.err);
  }
  return missed;
}

async function startFiles(dir: string, failpoint: string | null = null) {
  const args = [dir, "127.0.0.1:0", "filesystem"];
  const process = startArmed("failpoints-coordinator", args, failpoint);
  const { files: port } = JSON.parse((await process.line("up ")) ?? "null") as {
    readonly files: number;
  };
  return { process, client: new Client(port) };
}

async function insert(client: Client, block: string): Promise<void> {
  const row = { block_id: block, state: "ADDED", phase: "map", slices_id: [`j/slice of ${block}`] };
  assert.equal((await client.twoSteps("INSERTBLOCK", database, row)).name, "OK");
}

async function append(client: Client, block: string, value: bigint): Promise<string> {
  const first = { block_size: String(files.length), block_id: block, ...database };
  const pairs = files.map((file) => [file, [value]]);
  return (await client.twoSteps("APPENDBLOCK", first, { data_urls: files, pairs })).name;
}

async function stateOf(client: Client, block: string): Promise<string | undefined> {
  const wanted = { table: "block", filters: [["block_id", block]] };
  const { payload } = await client.twoSteps("GETROWS", database, wanted);
  return (payload.get("rows") as ReadonlyArray<ReadonlyMap<string, string>>)[0]?.get("state");
}

async function isDone(client: Client, block: string): Promise<void> {
  await polled(
    () => stateOf(client, block),
    (state) => state === "DONE",
  );
}

async function valuesOf(client: Client, file: string): Promise<number[]> {
  const pickle = readPickle(Buffer.concat(await client.get(file)));
  return (pickle as { items: readonly [string, readonly bigint[]] }).items[1].map(Number);
}
