/** Tasks of independent trackers on our cluster, in their file system and in ours. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { countedWords, noPeers, Peer, type Tracked, tracked, wordFunctions } from "./tracked.ts";

const text = Array.from({ length: 120 }, (_, i) => `word${i % 37} ñandú the line ${i}\n`).join("");

async function jobOfPeers(t: TestContext, cluster: Tracked, functions: string, filesystem: number) {
  const path = cluster.file("functions.py", functions);
  const data = cluster.file("data.txt", text);
  const tracker = new Peer(t, "worker.py", filesystem, cluster.port);
  const { port } = await tracker.said("port");
  return { tracker, client: new Peer(t, "client.py", port as number, path, data) };
}

test("an existing tracker's tasks run here, in our file system", { skip: noPeers }, async (t) => {
  const cluster = await tracked(t);
  const { client, tracker } = await jobOfPeers(t, cluster, wordFunctions, cluster.filesystem);
  const { blocks, result } = await client.said("done");
  assert.deepEqual(new Map(result as [string, number][]), countedWords(text));
  assert.ok((blocks as Record<string, string>[]).every(({ state }) => state === "DONE"));
  const { answered, worker } = await tracker.said("answered");
  assert.deepEqual([answered, worker], ["map_0", ["127.0.0.1", String(cluster.port)]]);
  assert.equal((await tracker.said("given")).alive, true);
});

test("an existing tracker's tasks run here, in an existing file system", {
  skip: noPeers,
}, async (t) => {
  const files = new Peer(t, "filesystem.py");
  const port = (await files.said("port")).port as number;
  const filesystems = [{ host: "127.0.0.1", port }];
  const cluster = await tracked(t, {}, { filesystems });
  // A key that is a tuple has the file that existing executors give it.
  const functions = `
def mapper(k, v):
    return [((word, len(word)), 1) for word in v.split()]


def combiner(key, values):
    assert isinstance(key, tuple)
    return key, len(values)


def reducer(key, values):
    return key[0], sum(values)
`;
  const { client, tracker } = await jobOfPeers(t, cluster, functions, port);
  const { result } = await client.said("done");
  assert.deepEqual(new Map(result as [string, number][]), countedWords(text));
  await tracker.said("tracked");
});

test("a task that fails is reported once to its tracker, which reports it to its client", {
  skip: noPeers,
}, async (t) => {
  const cluster = await tracked(t);
  const functions = `
def mapper(k, v):
    raise ValueError("not this one")


def reducer(key, values):
    return key, 1
`;
  const { client } = await jobOfPeers(t, cluster, functions, cluster.filesystem);
  const { error } = await client.said("error");
  const { info, send_to_client, type_error } = error as Record<string, string>;
  assert.match(info ?? "", /ValueError: not this one/);
  assert.deepEqual([type_error, send_to_client], ["OperationError", true]);
});
