/** A job whose blocks are with existing workers, of which one leaves what cannot be relied upon. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { filesystemOpened } from "../../coordinator/edges/filesystem/testing/client.ts";
import { openReplyServer } from "../../link/zeromq/reply-server.ts";
import { newFolder, removeFolder } from "../../store/testing/at-end.ts";
import { testMaxMs } from "../../store/testing/patience.ts";
import { okAnswer } from "../../wire/filesystem/answers.ts";
import { decodeMessage, type Message } from "../../wire/filesystem/codec.ts";
import { splitValue } from "../../wire/filesystem/jobs.ts";
import { readPickle } from "../../wire/filesystem/pickle/reader.ts";
import { PyTuple } from "../../wire/filesystem/value.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { FileSystem } from "../files/file-system.ts";
import { openPingPort } from "../ping-port.ts";
import { jobRequest } from "./testing/request.ts";
import { Tracker } from "./tracker.ts";

const host = "127.0.0.1";
const common = { host, port: 0, requestMaxBytes: 1e6, requestsMax: 8 };

/** It computes the whole job by itself. */
const cluster = {
  slots: async () => 1,
  part: async (name: string, bytes: Uint8Array) => ({ name, hash: "", sizeBytes: bytes.length }),
  submit: async () => "j-1",
  async *watch() {
    yield { job: "j-1", state: "done" };
  },
  async *results() {
    yield new PyTuple(["word", 1n]);
  },
  cancel: async () => {},
} as unknown as Cluster;

/** A worker that is done at once, names nothing, and answers no ping. */
async function losing(files: FileSystem) {
  const gone = await openPingPort({ host, port: 0 });
  await gone.close();
  return openReplyServer({
    ...common,
    async answer() {
      await files.updateRow("j/database.sqlite3", "block", [
        ["block_id", "map_0"],
        [["state", "DONE"]],
      ]);
      return okAnswer(splitValue("task_ping", { host, port: gone.port }));
    },
  });
}

test("the cluster computes a job anew when a worker ended without naming what it left", {
  timeout: testMaxMs,
}, async (t) => {
  const { client } = await filesystemOpened(t);
  await client.putJob("j");
  await client.put("j/functions.py", [Buffer.from("…")]);
  await client.put("j/map_data", [Buffer.from("word\n")]);
  const files = new FileSystem({ host, port: client.port });
  const end = Promise.withResolvers<Message>();
  const listener = await openReplyServer({
    ...common,
    async answer(frame) {
      end.resolve(decodeMessage(frame));
      return okAnswer();
    },
  });
  t.after(() => listener.close());
  const worker = await losing(files);
  t.after(() => worker.close());
  const dir = newFolder("tequio-tracker-");
  t.after(() => removeFolder(dir));
  const ending = new AbortController();
  const news: string[] = [];
  const tracker = new Tracker({
    dir,
    cluster,
    systems: async () => [files],
    host,
    advertised: host,
    refuse: () => null,
    jobsMax: 1,
    signal: ending.signal,
    onNews: (text) => news.push(text),
    onError: (error) => end.reject(error),
    workers: async () => [{ at: { host, port: worker.port }, room: 1 }],
    own: () => ({ host, port: 1 }),
  });
  t.after(async () => {
    ending.abort();
    await tracker.close();
  });
  await tracker.resume();
  await tracker.take({ ...jobRequest, client: { host, port: listener.port } });
  const { name, payload } = await end.promise;
  assert.equal(name, "DONE");
  const result = readPickle(await files.readWhole(String(payload.get("result_url")), 1e6));
  assert.deepEqual(result, [new PyTuple(["word", 1n])]);
  assert.match(news.join("\n"), /block map_0 is DONE, but .*; the cluster computes all of it/);
});
