/** An executor that is killed between two of its calls, and the one that gets the block after it:
 *  in the file system the block is there once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Client,
  filesystemOpened,
} from "../../coordinator/edges/filesystem/testing/client.ts";
import { openReplyServer } from "../../link/zeromq/reply-server.ts";
import { polled } from "../../store/testing/polled.ts";
import { okAnswer } from "../../wire/filesystem/answers.ts";
import { decodeMessage } from "../../wire/filesystem/codec.ts";
import type { TaskRequest } from "../../wire/filesystem/jobs.ts";
import { readPickle } from "../../wire/filesystem/pickle/reader.ts";
import { PyTuple, type PyValue } from "../../wire/filesystem/value.ts";
import { FileSystem } from "../files/file-system.ts";
import { runTask, type TaskParts } from "./task.ts";

const host = "127.0.0.1";
const database = { status_db_url: "j/database.sqlite3" };

/** All that an executor has: what it asks of a file system stops after so many calls. */
class Mortal extends FileSystem {
  readonly calls: string[] = [];
  readonly #callsMax: number;
  readonly died = Promise.withResolvers<void>();

  constructor(port: number, callsMax: number) {
    super({ host, port });
    this.#callsMax = callsMax;
  }

  override async change(...args: Parameters<FileSystem["change"]>) {
    if (this.calls.length >= this.#callsMax) {
      this.died.resolve();
      await new Promise(() => {});
    }
    this.calls.push(args[0]);
    return super.change(...args);
  }
}

function clusterThatGives(results: readonly PyValue[]): TaskParts["cluster"] {
  return {
    part: async (name: string) => ({ name, hash: "", sizeBytes: 1 }),
    submit: async () => "j-1",
    async *watch() {
      yield { state: "done" };
    },
    async *results() {
      yield* results;
    },
    cancel: async () => {},
    remove: async () => {},
  } as unknown as TaskParts["cluster"];
}

async function opened(t: Parameters<typeof filesystemOpened>[0]) {
  const { client } = await filesystemOpened(t);
  await client.putJob("j");
  await client.put("j/functions.py", [Buffer.from("…")]);
  await client.put("j/0_map_slice", [Buffer.from("a\n")]);
  const row = { block_id: "map_0", state: "ADDED", phase: "map", slices_id: ["j/0_map_slice"] };
  await client.twoSteps("INSERTBLOCK", database, row);
  const reports: string[] = [];
  const tracker = await openReplyServer({
    host,
    port: 0,
    requestMaxBytes: 1e6,
    requestsMax: 8,
    async answer(frame) {
      reports.push(decodeMessage(frame).name);
      return okAnswer();
    },
  });
  t.after(() => tracker.close());
  const task: TaskRequest = {
    jobId: "j",
    jobUrl: "./j",
    functionsUrl: "j/functions.py",
    databaseUrl: database.status_db_url,
    task: "map",
    block: "map_0",
    files: ["j/0_map_slice"],
    isPickled: false,
    answerTo: { host, port: tracker.port },
  };
  const run = (files: FileSystem, pingPort: number, results: readonly PyValue[]) =>
    runTask(task, {
      cluster: clusterThatGives(results),
      files,
      ping: { host, port: pingPort },
      worker: { host, port: 1 },
      signal: t.signal,
      settleMs: 0,
    });
  return { client, reports, run };
}

async function stateOf(client: Client): Promise<string | undefined> {
  const wanted = { table: "block", filters: [["block_id", "map_0"]] };
  const { payload } = await client.twoSteps("GETROWS", database, wanted);
  return (payload.get("rows") as ReadonlyArray<ReadonlyMap<string, string>>)[0]?.get("state");
}

/** Those of the one key. */
async function valuesOf(client: Client): Promise<number[]> {
  const { payload } = await client.twoSteps("GETROWS", database, {
    table: "block_result",
    filters: [["block_id", "map_0"]],
  });
  const [row, ...more] = payload.get("rows") as ReadonlyArray<ReadonlyMap<string, string>>;
  assert.equal(more.length, 0);
  const pickle = Buffer.concat(await client.get(row?.get("result_url") ?? ""));
  return ((readPickle(pickle) as PyTuple).items[1] as readonly bigint[]).map(Number);
}

const pair = (value: bigint) => [new PyTuple(["a", [value], "a"])];
/** GETROWS, UPDATEROW, GETROWS, BLOCKRESULT, APPENDBLOCK. */
const callsOfMap = 5;

for (let calls = 0; calls <= callsOfMap; calls += 1) {
  test(`after ${calls} calls of an executor that dies, its block is counted once`, async (t) => {
    const { client, run } = await opened(t);
    const files = new Mortal(client.port, calls);
    const first = run(files, 10, pair(1n));
    if (calls < callsOfMap) await files.died.promise;
    else await first;
    assert.equal(files.calls.length, calls);
    // As a tracker that finds the first one silent, whether the file system has ended or not.
    await run(new FileSystem({ host, port: client.port }), 12, pair(2n));
    await polled(
      () => stateOf(client),
      (state) => state === "DONE",
    );
    assert.deepEqual(await valuesOf(client), [calls < callsOfMap ? 2 : 1]);
  });
}

test("an executor whose block was given to another neither writes nor reports it", async (t) => {
  const { client, reports, run } = await opened(t);
  const second = new FileSystem({ host, port: client.port });
  await second.updateRow(database.status_db_url, "block", [
    ["block_id", "map_0"],
    [["worker_port", "12"]],
  ]);
  // Its own first call came before that of the other.
  const late = new (class extends FileSystem {
    override async updateRow() {}
  })({ host, port: client.port });
  await run(late, 10, pair(1n));
  assert.deepEqual(reports, []);
  await run(second, 12, pair(2n));
  await polled(
    () => stateOf(client),
    (state) => state === "DONE",
  );
  assert.deepEqual(await valuesOf(client), [2]);
  assert.deepEqual(reports, ["DONE"]);
});
