/** A worker of the manager protocol that knows nothing of our code, at our coordinator. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Opened, opened } from "../../src/coordinator/testing/opened.ts";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { keccakMultihash } from "../../src/wire/manager/keccak.ts";
import { Place } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";
import { Started } from "../fixtures/started.ts";

const skip =
  spawnSync("python3", ["--version"]).status === 0 ? false : "there is no python3 on this machine";
const program = join(import.meta.dirname, "old_worker.py");
const module = join(repository, "examples", "count-primes", "primes.wasm");

const limited = { skip, timeout: testMaxMs };

async function withOldWorker(t: TestContext, cluster: Opened) {
  const place = new Place(t, {});
  copyFileSync(module, join(place.dir, "primes.wasm"));
  writeFileSync(join(place.dir, "token"), cluster.coordinator.adminToken, { mode: 0o600 });
  const token = cluster.coordinator.joinToken({ ttlMs: 0, usesMax: 1 });
  const { port } = new URL(cluster.url);
  const fetched = join(place.dir, "fetched");
  Started.during(t, ["python3", program, port, await token, fetched]);
  const at = ["--url", cluster.url, "--token-file", "token"];
  return {
    place,
    fetched,
    run: (...items: string[]) => place.run("run", "primes.wasm", ...items, ...at),
  };
}

test("an existing worker computes tequio run module.wasm", { skip }, async (t) => {
  const cluster = await opened(t);
  const { fetched, run } = await withOldWorker(t, cluster);
  const { code, err, out } = await run("one", "two", "drei – 3", "-o", "-");
  assert.equal(code, 0, err);
  assert.equal(out, `"ONE"\n"TWO"\n"DREI – 3"\n`);
  const bytes = readFileSync(module);
  const hash = keccakMultihash(bytes);
  assert.deepEqual(readFileSync(fetched), Buffer.concat([hash, bytes]));
});

test("an existing worker may take limits at their word", limited, async (t) => {
  const { run } = await withOldWorker(t, await opened(t));
  const unlimited = await run("limits", "-o", "-");
  assert.equal(unlimited.out, `"1000000 2147483647"\n`, unlimited.err);
  const short = await run("limits", "-o", "-", "--timeout", "90s");
  assert.equal(short.out, `"90 2147483647"\n`, short.err);
});

test("what only managers send is NotMine to a manager, and costs no link", limited, async (t) => {
  const { run } = await withOldWorker(t, await opened(t));
  const { err, out } = await run("backwards", "one", "-o", "-");
  assert.equal(out, `"3 3 3"\n"ONE"\n`, err);
});

test("what fails at an existing worker fails in its own kind", { skip }, async (t) => {
  const cluster = await opened(t);
  const { run } = await withOldWorker(t, cluster);
  const { code, err } = await run("one", "fail", "-o", "-");
  assert.equal(code, 1);
  assert.match(err, /user-error/);
});

test("a module is opened by the key of its job alone", async (t) => {
  const cluster = await opened(t);
  const hash = await cluster.upload(readFileSync(module));
  const job = await cluster.submit({ ...(await cluster.tasksSpec(1)), moduleHash: hash });
  const answer = await cluster.call("GET", `/programs/${job}/${"0".repeat(64)}`, { token: null });
  assert.equal(answer.status, 404);
});
