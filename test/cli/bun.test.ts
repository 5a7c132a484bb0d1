/** `tequio/client` in Bun, where there is one: `BUN` names it, or it is on the PATH. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { upIn } from "../browsers/cluster.ts";
import { Place } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";
import { Started } from "../fixtures/started.ts";

const bun = process.env.BUN ?? "bun";
const skip =
  spawnSync(bun, ["--version"]).status === 0 ? false : "no Bun: set BUN to the path of one";

const program = (local: boolean) => `
import { CallFailed, connect } from "${join(repository, "src/client/index.ts")}";
${local ? "await connect({ local: true });" : ""}
await using cluster = await connect();
console.log(await cluster.map([1, 2, 3], (n: number) => n * n).toArray());
const fails = () => { throw new RangeError("no"); };
const failed = await cluster.map([1], fails).toArray().catch((error) => error);
console.log(failed instanceof CallFailed, failed.exception);
const running = cluster.run("words.ts", { inputs: "words.txt" });
for await (const { taskCount } of running.progress()) console.log(taskCount > 0);
console.log(await (await running).toArray());
`;
const words = `import { text } from "tequio";
export default text.words().count();
`;

test("a program in Bun calls functions and runs jobs; a cluster within it is refused", {
  skip,
  timeout: testMaxMs,
}, async (t) => {
  const place = new Place(t, {
    "program.ts": program(false),
    "local.ts": program(true),
    "words.ts": words,
    "words.txt": "a b a\n",
  });
  await upIn(place, "--workers", "1");
  const env = { ...process.env, TEQUIO_DATA: join(place.dir, "data") };
  const run = (file: string) => Started.during(t, [bun, file], { cwd: place.dir, env }).ended;
  const { code, err, out } = await run("program.ts");
  assert.equal(code, 0, err);
  assert.match(out, /^\[ 1, 4, 9 \]\ntrue RangeError\n(true\n)+/);
  assert.match(out, /"a", 2/);
  const refused = await run("local.ts");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /an embedded cluster runs on Node, not on Bun/);
});
