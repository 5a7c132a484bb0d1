/** Our client on systems of the filesystem protocol: an independent one, and ours. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { announced } from "../fixtures/cluster.ts";
import { Place } from "../fixtures/place.ts";
import { countedWords, noPeers, Peer, tracked, wordFunctions } from "./tracked.ts";

const text = Array.from({ length: 120 }, (_, i) => `word${i % 37} ñandú the line ${i}\n`).join("");

function countsIn(out: string): Map<string, number> {
  const rows = out.trim().split("\n");
  return new Map(rows.map((row) => Object.values(JSON.parse(row)) as [string, number]));
}

test("tequio run submits to an existing system and saves its result", {
  skip: noPeers,
}, async (t) => {
  const files = new Peer(t, "filesystem.py");
  const port = (await files.said("port")).port as number;
  const worker = new Peer(t, "worker.py", port);
  const at = (await worker.said("port")).port as number;
  const place = new Place(t, { "words.py": wordFunctions, "data.txt": text });
  const where = ["--filesystem", `tcp://127.0.0.1:${port}`, "--jobtracker", `127.0.0.1:${at}`];
  const done = await place.run("run", "words.py", "data.txt", ...where, "-o", "-");
  assert.equal(done.code, 0, done.err);
  assert.deepEqual(countsIn(done.out), countedWords(text));
  assert.match(done.err, /done: 160 pairs/);
  await worker.said("tracked");
  place.write("fails.py", wordFunctions.replace("sum(values)", "1 / 0"));
  const failed = await place.run("run", "fails.py", "no-such.txt", ...where, "-o", "-");
  assert.equal(failed.code, 2);
  assert.match(failed.err, /cannot read no-such.txt/);
});

test("tequio run submits to our own JobTracker, and reads why a job fails", {
  skip: noPeers,
}, async (t) => {
  const cluster = await tracked(t);
  const place = new Place(t, { "words.py": wordFunctions, "data.txt": text });
  const where = ["--jobtracker", String(cluster.port)];
  const done = await place.run("run", "words.py", "data.txt", ...where, "--merge", "counts.ndjson");
  assert.equal(done.code, 0, done.err);
  assert.deepEqual(countsIn(place.read("counts.ndjson")), countedWords(text));
  place.write("fails.py", wordFunctions.replace("return key, sum(values)", "return key, 1 / 0"));
  const failed = await place.run("run", "fails.py", "data.txt", ...where, "-o", "-");
  assert.equal(failed.code, 1);
  assert.match(failed.err, /ZeroDivisionError/);
  assert.equal(failed.out, "");
});

test("tequio fs stands in front of a cluster elsewhere", { skip: noPeers }, async (t) => {
  const cluster = await tracked(t, {}, null);
  const { adminToken, url } = cluster.coordinator;
  const place = new Place(t, { "words.py": wordFunctions, "data.txt": text });
  const target = ["--url", url, "--token", adminToken];
  const refused = await place.run("fs", "0", "--jobtracker", "0");
  assert.equal(refused.code, 2);
  assert.match(refused.err, /--jobtracker needs --url/);
  const running = place.start("fs", "0", "--jobtracker", "0", ...target, "--json");
  const said = await announced(running);
  const client = new Peer(
    t,
    "client.py",
    said.jobtracker!.port,
    `${place.dir}/words.py`,
    `${place.dir}/data.txt`,
  );
  const { result } = await client.said("done");
  assert.deepEqual(new Map(result as [string, number][]), countedWords(text));
  assert.equal((await cluster.client.jobs()).length, 1);
  running.child.kill("SIGTERM");
  assert.equal((await running.ended).code, 0);
});
