/** Existing workers and managers over libp2p: programs written with the library alone, at our
 *  coordinator and with our worker. */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { opened } from "../../src/coordinator/testing/opened.ts";
import { keccakMultihash } from "../../src/wire/manager/keccak.ts";
import { Place, type Running } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";

const module = join(repository, "examples", "count-primes", "primes.wasm");
const program = (name: string) => join(import.meta.dirname, name);

/** The next lines of JSON that a program prints. */
function lines(t: TestContext, { child, ended }: Running): () => Promise<Record<string, unknown>> {
  const waiting: string[] = [];
  let wake = () => {};
  let rest = "";
  child.stdout?.on("data", (chunk) => {
    const parts = `${rest}${chunk}`.split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) waiting.push(part);
    wake();
  });
  let isOver = false;
  void ended.then(({ err }) => {
    isOver = true;
    if (err !== "") t.diagnostic(err);
    wake();
  });
  return async () => {
    while (waiting.length === 0) {
      assert.ok(!isOver, "it has ended");
      await new Promise<void>((resolve) => (wake = resolve));
    }
    return JSON.parse(waiting.shift() as string);
  };
}

test("an existing worker joins over libp2p and computes modules", async (t) => {
  const listen = "/ip4/127.0.0.1/tcp/0";
  const cluster = await opened(t, { libp2p: { listen, peers: "any" } });
  const address = cluster.coordinator.libp2p?.addresses[0] as string;
  const place = new Place(t);
  const worker = place.startProgram([], program("libp2p_worker.mjs"), address);
  const next = lines(t, worker);
  assert.deepEqual(await next(), { manager: true, accepted: true });
  copyFileSync(module, join(place.dir, "primes.wasm"));
  place.write("token", cluster.coordinator.adminToken);
  chmodSync(join(place.dir, "token"), 0o600);
  const at = ["--url", cluster.url, "--token-file", "token", "--timeout", "300s"];
  const run = await place.run("run", "primes.wasm", "100", "1000", "10", "-o", "-", ...at);
  assert.equal(run.code, 0, run.err);
  assert.deepEqual(run.out.split("\n"), ['"25"', '"168"', '"4"', ""]);
  const said = [await next(), await next(), await next()];
  assert.deepEqual(
    said.toSorted((a, b) => Number(a.task) - Number(b.task)),
    ["10", "100", "1000"].map((task) => ({ task, timeoutS: 300, kind: 0, answer: 4 })),
  );
  const closing = cluster.coordinator.close();
  assert.deepEqual(await next(), { bye: true });
  await closing;
  assert.equal((await worker.ended).code, 0);
});

test("our worker joins an existing manager over libp2p and computes its modules", async (t) => {
  const place = new Place(t);
  const hash = Buffer.from(keccakMultihash(readFileSync(module))).toString("hex");
  const manager = place.startProgram([], program("libp2p_manager.mjs"), module, hash);
  const next = lines(t, manager);
  const { address } = (await next()) as { address: string };
  const worker = place.start("join", address, "--slots", "1", "--no-restart", "--data", "w");
  const { peer, ...asked } = await next();
  assert.deepEqual(asked, { kinds: [0], extension: false });
  const said = new Set<string>();
  for (let line = await next(); line.done === undefined; line = await next()) {
    said.add(JSON.stringify(line));
  }
  assert.deepEqual(
    [...said].sort(),
    [
      { executed: true },
      { pong: true },
      { task: 1, state: 4, value: true },
      { task: 1, state: 6, value: "25" },
      { task: 2, state: 4, value: true },
      { task: 2, state: 6, value: "168" },
      // DOWNLOAD: there is no --ipfs-gateway.
      { task: 3, state: 5, value: false },
    ]
      .map((line) => JSON.stringify(line))
      .sort(),
  );
  worker.child.kill("SIGINT");
  assert.deepEqual(await next(), { bye: true });
  const { code, out } = await worker.ended;
  assert.equal(code, 0);
  assert.match(out, /2 tasks done/);
  assert.equal((await manager.ended).code, 0);
  // Its identity is kept.
  const kept = readFileSync(join(place.dir, "w", "libp2p.json"), "utf8");
  assert.match(kept, /"key"/);
  assert.match(String(peer), /^12D3Koo/);
});
