/** A machine that joins a cluster elsewhere takes tasks of an existing tracker. */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { test } from "node:test";
import { announced } from "../fixtures/cluster.ts";
import { Place } from "../fixtures/place.ts";
import { countedWords, noPeers, Peer, wordFunctions } from "./tracked.ts";

const text = Array.from({ length: 120 }, (_, i) => `word${i % 37} ñandú the line ${i}\n`).join("");

test("`join --jobtracker` computes tasks of an existing tracker, in an existing file system", {
  skip: noPeers,
}, async (t) => {
  const place = new Place(t, { "functions.py": wordFunctions, "data.txt": text });
  const up = place.start("up", "--listen", "127.0.0.1:0", "--workers", "0", "--json");
  const { url } = await announced(up);
  const tokenFile = async (role: string) => {
    const { out } = await place.run("token", "create", "--role", role);
    const file = place.write(role, out.trim());
    chmodSync(file, 0o600);
    return file;
  };
  const common = ["join", url, "--token-file", await tokenFile("worker"), "--slots", "2", "--json"];
  const without = await place.run(...common, "--jobtracker", "0", "--no-restart");
  assert.match(without.err, /--jobtracker needs --submit-token-file/);
  const files = new Peer(t, "filesystem.py");
  const filesystem = (await files.said("port")).port as number;
  const given = ["--jobtracker", "0", "--jobtracker-filesystem", String(filesystem)];
  const joined = place.start(
    ...common,
    ...given,
    "--submit-token-file",
    await tokenFile("submitter"),
  );
  const said = await joined.said('"event":"jobtracker"');
  const port = Number(/jobtracker tcp:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
  const tracker = new Peer(t, "worker.py", filesystem, port);
  const { port: trackerPort } = await tracker.said("port");
  const names = ["functions.py", "data.txt"].map((name) => `${place.dir}/${name}`);
  const client = new Peer(t, "client.py", trackerPort as number, ...names);
  const { result } = await client.said("done");
  assert.deepEqual(new Map(result as [string, number][]), countedWords(text));
  const { worker } = await tracker.said("answered");
  assert.deepEqual(worker, ["127.0.0.1", String(port)]);
});
