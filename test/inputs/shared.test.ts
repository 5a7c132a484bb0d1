/** Files that members share, as inputs of jobs: with the real command line. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Place } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";

const job = join(repository, "examples", "word-count", "job.ts");
const lines = (seed: number) =>
  Array.from({ length: 20_000 }, (_, i) => `word${(i * seed) % 97} of ${i % 13}\n`).join("");

/** A cluster of one worker, and a member that shares the folder `books`. */
async function shared(t: TestContext): Promise<Place> {
  const place = new Place(t, { "books/a.txt": lines(1), "books/deep/b.txt": lines(7) });
  const up = place.start("up", "--workers", "1", "--listen", "127.0.0.1:0");
  await up.said("join with");
  const member = place.start("share", "books", "--as", "ana", "--json");
  await member.said("]}\n");
  return place;
}

test("a shared folder is mapped, and gives what its files give", async (t) => {
  const place = await shared(t);
  const common = ["--split-bytes", "64K", "--reducers", "2", "-o", "-"];
  const ours = await place.run("run", job, "shared:books", ...common);
  assert.equal(ours.code, 0, ours.err);
  const judged = await place.run("run", job, "books", ...common, "--sequential");
  assert.equal(ours.out, judged.out);
  const sort = place.write(
    "sort.ts",
    `import { text } from "tequio";
    export default text.lines().sort();`,
  );
  const sorted = await place.run("run", sort, "shared:books/a.txt", ...common);
  assert.equal(sorted.code, 0, sorted.err);
  assert.equal(sorted.out, `${lines(1).trim().split("\n").sort().join("\n")}\n`);
  const nobody = await place.run("run", job, "shared:films", ...common);
  assert.equal(nobody.code, 2);
  assert.match(nobody.err, /not-found: no member shares "films" now; `tequio ls` lists/);
  const alone = await place.run("run", job, "shared:books", ...common, "--sequential");
  assert.match(alone.err, /bad-request: shared:books needs a cluster/);
});

test("F10: a shared file that changes fails the job with advice, never other bytes", async (t) => {
  const place = await shared(t);
  // The member notices only when the file is read.
  writeFileSync(join(place.dir, "books/a.txt"), lines(3));
  const { code, err } = await place.run("run", job, "shared:books/a.txt", "-o", "-");
  assert.notEqual(code, 0);
  assert.match(err, /data-lost: .*books\/a\.txt has changed since the job was submitted/);
});
