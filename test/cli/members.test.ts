/** `tequio up` as the master of P4's peers, and `tequio members`: real processes, ended by the
 *  test. */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";

test("peers register at `up --p4-port`, `members` lists them, an admin frees a name", async (t) => {
  const place = new Place(t);
  chmodSync(place.write("p4.token", "secret\n"), 0o600);
  const options = ["--p4-port", "0", "--p4-token-file", "p4.token", "--p4-ttl", "never"];
  const up = place.start("up", "--workers", "0", "--listen", "127.0.0.1:0", ...options);
  const [, url] = /P4 master +(http:\S+)/.exec(await up.said("run a job")) ?? [];
  const call = async (path: string, body: unknown) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${url}${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    return (await answer.json()) as Record<string, string>;
  };
  const peer = { client_id: "laptop", ip: "localhost", port: 8001, genericToken: "secret" };
  const { token } = await call("/register", peer);
  assert.deepEqual(await call("/add_file", { token, file_name: "a" }), { message: "File added" });
  const [first] = JSON.parse((await place.run("members", "--json")).out);
  assert.deepEqual(
    [first.name, first.state, first.address, first.files, first.ttlMs],
    ["laptop", "here", "localhost:8001", 1, 0],
  );
  assert.match((await place.run("members")).out, /^laptop +here +localhost:8001 +1 /m);
  const removed = await place.run("members", "--remove", "laptop");
  assert.match(removed.out, /laptop is removed with its files/);
  const gone = await place.run("members", "--remove", "laptop");
  assert.match(gone.err, /not-found: there is no member "laptop"/);
  assert.match((await place.run("members")).out, /no member shares files now/);
  up.child.kill("SIGINT");
  assert.equal((await up.ended).code, 0);
});
