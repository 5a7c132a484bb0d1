/** The traffic between machines, recorded on the cable between two of them: files by name, inputs
 *  of jobs, partitions; with the real command line. The decisions are tested beside the code,
 *  without a second machine: src/peer/encryption.test.ts. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";
import { type Machine, missing, twoMachines } from "./machines.ts";

const secret = "saltwater";
const lines = Array.from({ length: 20_000 }, (_, i) => `${secret} ${secret}${i % 97}\n`).join("");
const existing = "what existing peers have";
const job = join(repository, "examples", "word-count", "job.ts");

const lack = missing();
const skip = lack === null ? false : `two machines need ${lack}: no traffic was recorded`;

test("only existing peers send unencrypted data between machines, and only if allowed", {
  skip,
}, async (t) => {
  const { near, far, cable } = await twoMachines(t);
  const place = new Place(t, { "books/a.txt": lines });
  const at = (machine: Machine, ...args: string[]) => place.startBy(machine.enter, ...args);
  const up = at(near, "up", "--workers", "1", "--listen", `${near.host}:0`);
  const joining = /tequio (join \S+ --token \S+ --fingerprint \S+)/.exec(
    await up.said("--fingerprint"),
  );
  const [sharing, worker] = [
    at(far, "share", "books", "--as", "ana", "--listen", `${far.host}:0`, "--json"),
    at(far, ...joining![1]!.split(" "), "--slots", "1", "--data", join(place.dir, "far")),
  ];
  assert.doesNotMatch(await sharing.said("]}\n"), /warning/);
  await worker.said("joined");

  const { url, fingerprint } = JSON.parse(place.read("data/endpoint.json"));
  const token = place.read("data/admin.token").trim();
  const peer = join(import.meta.dirname, "existing-peer.ts");
  const told = [far.host, url, fingerprint, token, "old.txt", existing];
  const serving = ["--serve", `${near.host}:0`];
  const cut = ["--split-bytes", "64K", "--reducers", "4"];
  const [got, counted] = await Promise.all([
    at(near, "get", "books/a.txt", "-o", "copy", ...serving).ended,
    at(near, "run", job, "shared:books", ...cut, "-o", "-").ended,
    place.startProgram(far.enter, peer, ...told).said("shared"),
  ]);
  assert.match(got.out, /; verified\n$/, got.err);
  assert.equal(place.read("copy"), lines);
  assert.equal(counted.code, 0, counted.err);
  assert.match(counted.out, new RegExp(secret));

  const refused = await at(near, "get", "old.txt").ended;
  assert.equal(refused.code, 2, refused.out);
  assert.match(
    refused.err,
    /forbidden: 10\.77\.0\.2:\d+ is not dialled: .*no certificate.*--insecure/,
  );

  const before = await cable.heard();
  assert.ok(before.length > (2 * lines.length) / 10, `${before.length} bytes went over the cable`);
  assert.ok(!before.includes(secret), "files, inputs and partitions");
  assert.ok(!before.includes(existing));
  const asked = await at(near, "get", "old.txt", "--insecure").ended;
  assert.equal(asked.code, 0, asked.err);
  assert.equal(place.read("old.txt"), existing);
  const heard = await cable.heard();
  assert.ok(heard.includes(existing), "an eavesdropper can read this");
  assert.ok(!heard.includes(secret));
});
