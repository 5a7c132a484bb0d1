/** Our tracker gives tasks to independent workers, in our file system and in an independent one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../../src/coordinator/edges/filesystem/testing/client.ts";
import { countedWords, noPeers, Peer, tracked, wordFunctions } from "./tracked.ts";

const text = Array.from({ length: 240 }, (_, i) => `word${i % 37} ñandú the line ${i}\n`).join("");

test("our tracker gives tasks to existing workers and to the cluster", {
  skip: noPeers,
}, async (t) => {
  const cluster = await tracked(t, { filesystem: { port: 0 } }, null);
  const worker = new Peer(t, "worker.py", cluster.filesystem);
  const port = (await worker.said("port")).port as number;
  const workers = [{ host: "127.0.0.1", port }];
  await cluster.track({ workers });
  const functions = cluster.file("functions.py", wordFunctions);
  const client = new Peer(t, "client.py", cluster.port, functions, cluster.file("data.txt", text));
  const { blocks, result } = await client.said("done");
  assert.deepEqual(new Map(result as [string, number][]), countedWords(text));
  await worker.said("executed");
  assert.ok((blocks as Record<string, string>[]).every(({ state }) => state === "DONE"));
  // Each of both has had a share.
  const names = (await cluster.client.jobs()).map(({ name }) => name);
  assert.ok(names.length < (blocks as unknown[]).length);
});

test("a block whose worker dies is given to another, in an existing file system", {
  skip: noPeers,
}, async (t) => {
  const files = new Peer(t, "filesystem.py");
  const at = (await files.said("port")).port as number;
  const worker = new Peer(t, "worker.py", at, "--die", "map_0");
  const port = (await worker.said("port")).port as number;
  const filesystems = [{ host: "127.0.0.1", port: at }];
  const workers = [{ host: "127.0.0.1", port }];
  const cluster = await tracked(t, {}, { filesystems, workers });
  const functions = cluster.file("functions.py", wordFunctions);
  const short = text.slice(0, 1_500);
  const client = new Peer(t, "client.py", cluster.port, functions, cluster.file("data.txt", short));
  assert.equal((await worker.said("died")).died, "map_0");
  const { result } = await client.said("done");
  assert.deepEqual(new Map(result as [string, number][]), countedWords(short));
});

test("workers of the register get tasks when they are asked for", { skip: noPeers }, async (t) => {
  const register = { port: 0 };
  const cluster = await tracked(t, { filesystem: { port: 0 }, register }, null);
  const worker = new Peer(t, "worker.py", cluster.filesystem);
  const port = (await worker.said("port")).port as number;
  const place = cluster.coordinator.register;
  assert.ok(place !== null);
  const address = ["127.0.0.1", String(port)];
  const registered = await new Client(place.port).call("WORKERREG", {
    worker_addr: address,
    ping_addr: address,
  });
  assert.equal(registered.name, "OK");
  await cluster.track({ findsWorkers: true, register: place });
  const functions = cluster.file("functions.py", wordFunctions);
  const client = new Peer(t, "client.py", cluster.port, functions, cluster.file("data.txt", text));
  const { result } = await client.said("done");
  assert.deepEqual(new Map(result as [string, number][]), countedWords(text));
  await worker.said("executed");
});

test("a tracker that starts again goes on with the blocks that are with workers", {
  skip: noPeers,
}, async (t) => {
  const cluster = await tracked(t, { filesystem: { port: 0 } }, null);
  const worker = new Peer(t, "worker.py", cluster.filesystem);
  const port = (await worker.said("port")).port as number;
  const workers = [{ host: "127.0.0.1", port }];
  const first = await cluster.track({ workers });
  const slow = wordFunctions.replace("return [(word", "import time; time.sleep(1); return [(word");
  const functions = cluster.file("functions.py", slow);
  const client = new Peer(t, "client.py", cluster.port, functions, cluster.file("data.txt", text));
  await worker.said("executing");
  await first.close();
  await cluster.track({ workers, port: first.port });
  const { blocks, result } = await client.said("done");
  // Twice the same block would count its words twice.
  assert.deepEqual(new Map(result as [string, number][]), countedWords(text));
  assert.ok((blocks as Record<string, string>[]).every(({ state }) => state === "DONE"));
});
