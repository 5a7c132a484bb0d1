/** A worker that others cannot reach: the coordinator passes its map outputs on. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { announced } from "../fixtures/cluster.ts";
import { Place } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";

const job = join(repository, "examples", "word-count", "job.ts");

test("W4: outputs of an unreachable worker outlive it, and are gone after the job", async (t) => {
  const lines = Array.from({ length: 4_000 }, (_, i) => `word${i % 97} and word${i % 13}\n`);
  const place = new Place(t, { "in.txt": lines.join("") });
  const up = place.start("up", "--listen", "127.0.0.1:0", "--workers", "0", "--json");
  const told = await announced(up);
  const [, token] = /--token (\S+)/.exec(told.join)!;
  const join2 = (name: string, ...args: string[]) =>
    place.start("join", told.url, "--token", token!, "--slots", "1", "--data", name, ...args);
  const hidden = join2("hidden", "--listen", "none");
  await hidden.said("coordinator");
  const common = ["run", job, "in.txt", "--split-bytes", "8K", "--reducers", "2", "-o", "-"];
  const running = place.start(...common);
  running.child.stdin?.end();
  // Both have a share of maps and reduces, each reads outputs of the other.
  const open = join2("open", "--listen", "127.0.0.1:0");
  const { code, err, out } = await running.ended;
  assert.equal(code, 0, err);
  const judged = await place.run(...common, "--sequential");
  assert.equal(out, judged.out);
  const relay = join(place.dir, "data", "relay");
  assert.ok(existsSync(relay), "it has kept outputs");
  assert.deepEqual(readdirSync(relay), []);
  for (const { child, ended } of [hidden, open]) {
    child.kill("SIGTERM");
    await ended;
  }
});
