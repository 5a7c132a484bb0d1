/** The filesystem protocol and the rest of the product, with the real command line: files stored
 *  through one are visible through the other, and a kill loses nothing that was acknowledged. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Client } from "../../src/coordinator/edges/filesystem/testing/client.ts";
import { announced } from "../fixtures/cluster.ts";
import { Place, type Running } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";

const countWords = join(repository, "examples", "word-count", "job.ts");

async function up(place: Place, ...args: string[]): Promise<{ client: Client; running: Running }> {
  const address = ["--listen", "127.0.0.1:0", "--filesystem", "0"];
  const running = place.start("up", ...address, "--json", ...args);
  const { filesystem } = await announced(running);
  return { client: new Client(filesystem!.port), running };
}

const text = (lines: number) => Array.from({ length: lines }, (_, i) => `word${i % 7}\n`).join("");

test("what the protocol puts is listed, fetched and mapped; what peers share is got", async (t) => {
  const place = new Place(t, { "own/from-peer.txt": "of a peer\n\nlast" });
  const { client } = await up(place, "--workers", "1");
  const content = text(5_000);
  const put = await client.put("./j1/map_data", [Buffer.from(content)]);
  assert.equal(put.name, "OK");
  assert.match((await place.run("ls")).out, /j1\/map_data/);
  const got = await place.run("get", "j1/map_data", "-o", "-");
  assert.equal(got.out, content, got.err);
  place.write("map_data", content);
  const common = ["--reducers", "1", "-o", "-"];
  const ours = await place.run("run", countWords, "shared:j1/map_data", ...common);
  assert.equal(ours.code, 0, ours.err);
  const judged = await place.run("run", countWords, "map_data", ...common, "--sequential");
  assert.equal(ours.out, judged.out);
  const member = place.start("share", "own", "--as", "ana", "--json");
  await member.said("]}\n");
  const lines = await client.get("own/from-peer.txt");
  assert.deepEqual(lines.map(String), ["of a peer\n", "\n", "last"]);
});

test("what was acknowledged is there after kill -9, and nothing else is", async (t) => {
  const place = new Place(t);
  const first = await up(place, "--workers", "0");
  await first.client.putJob("j1");
  const database = { status_db_url: "j1/database.sqlite3" };
  const block = { block_id: "map_0", state: "ADDED", phase: "map", slices_id: ["j1/0_map_slice"] };
  await first.client.twoSteps("INSERTBLOCK", database, block);
  await first.client.put("j1/a", [Buffer.from("old")]);
  await first.client.put("j1/a", [Buffer.from("new\n"), Buffer.from("\n")]);
  const half = await first.client.begin("PUTDATA", { file_url: "j1/half", byte: true });
  await first.client.raw(half, Buffer.from("not all of it"));
  first.running.child.kill("SIGKILL");
  await first.running.ended;
  // A start without the protocol must not sweep its files.
  const without = place.start("up", "--listen", "127.0.0.1:0", "--workers", "0");
  await without.said("run a job");
  without.child.kill("SIGTERM");
  await without.ended;
  const { client } = await up(place, "--workers", "0");
  assert.deepEqual((await client.get("j1/a")).map(String), ["new\n", "\n"]);
  await assert.rejects(client.get("j1/half"), /File does not exist/);
  const wanted = { table: "slices_url", filters: [["block_id", "map_0"]] };
  const { payload } = await client.twoSteps("GETROWS", database, wanted);
  const row = new Map(Object.entries({ slice_url: "j1/0_map_slice", block_id: "map_0" }));
  assert.deepEqual(payload.get("rows"), [row]);
  assert.match((await place.run("ls")).out, /j1\/a/);
  assert.equal((await place.run("get", "j1/a", "-o", "-")).out, "new\n\n");
  const backup = await place.run("backup", "copy");
  assert.deepEqual([backup.code, backup.err], [0, ""]);
});

test("the protocol is off by default, and warns where others reach it", async (t: TestContext) => {
  const place = new Place(t);
  const plain = place.start("up", "--listen", "127.0.0.1:0", "--workers", "0", "--json");
  const shown = await announced(plain);
  assert.deepEqual([shown.filesystem, shown.register], [null, null]);
  plain.child.kill("SIGTERM");
  await plain.ended;
  const args = ["--listen", "127.0.0.1:0", "--workers", "0", "--no-qr"];
  const open = place.start("up", ...args, "--filesystem", "0.0.0.0:0", "--register", "0");
  const greeting = await open.said("run a job");
  assert.match(greeting, /file system {2}tcp:\/\/0\.0\.0\.0:\d+, discovery on UDP \d+/);
  assert.match(greeting, /EVERY HOST that reaches this port can change its files/);
  assert.match(greeting, /register {5}tcp:\/\/127\.0\.0\.1:\d+/);
  const doctor = await place.run("doctor");
  assert.match(doctor.out, /serious +file system +at 0\.0\.0\.0/);
  assert.match(doctor.out, /note +register/);
  const wrong = await place.run("up", "--filesystem", "no-port");
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /write it as 8080, or host:port/);
});

test("tequio fs serves files alone, and keeps them", async (t: TestContext) => {
  const place = new Place(t);
  const start = async () => {
    const running = place.start("fs", "0", "--register", "0", "--json");
    const said = await announced(running);
    return { running, said };
  };
  const first = await start();
  const client = new Client(first.said.filesystem!.port);
  await client.putJob("j1");
  await client.put("j1/a", [Buffer.from("kept\n")]);
  const register = new Client(first.said.register!.port);
  const nodes = (await register.call("FILESYSNODES", {})).payload.get("nodes");
  assert.deepEqual(nodes, [["127.0.0.1", String(client.port)]]);
  assert.match((await place.run("ls", "--data", first.said.dataDir)).out, /j1\/a/);
  first.running.child.kill("SIGTERM");
  assert.equal((await first.running.ended).code, 0);
  const second = await start();
  const again = await new Client(second.said.filesystem!.port).get("j1/a");
  assert.deepEqual(again.map(String), ["kept\n"]);
  assert.equal((await place.run("down", "--data", second.said.dataDir)).code, 0);
  assert.equal((await second.running.ended).code, 0);
});
