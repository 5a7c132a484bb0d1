/** What the author of a job reads when it throws: on each way to run it, with equal exit codes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";

const timeout = 120_000;
const job = (items: string, more = "") => `import { tasks } from "tequio";
${more}
export default tasks({ attempts: 1, items: ${items}, run: (item: unknown) => item });
`;

test("what throws before there is a job is one error, at the top and in items", {
  timeout,
}, async (t) => {
  const place = new Place(t);
  const throwing = `function list(): number[] {
  throw new Error("no items", { cause: Object.assign(new Error("gone"), { code: "ENOENT" }) });
}`;
  place.write("top.ts", job("list()", throwing));
  place.write("inside.ts", job("() => list()", throwing));
  place.write("held.ts", job("() => { throw { error: new Error('in here') }; }"));
  const [top, inside, held] = await Promise.all(
    ["top.ts", "inside.ts", "held.ts"].map((file) => place.run("run", "--sequential", file)),
  );
  for (const { code, err } of [top!, inside!, held!]) {
    assert.equal(code, 2, err);
    assert.match(err, /^tequio: build-failed: /);
  }
  const caused =
    /Error: no items( \(inside\.ts:3\))?; caused by Error \[ENOENT\]: gone \(\w+\.ts:3\)/;
  assert.match(top!.err, /^tequio: build-failed: top\.ts:3:9: /);
  assert.match(top!.err, caused);
  assert.match(inside!.err, caused);
  assert.match(held!.err, /items threw \{"error":\(Error: in here \(held\.ts:3\)\)\}/);
});

test("a module of the engine that is imported by a computed name says what to do instead", {
  timeout,
}, async (t) => {
  const place = new Place(t);
  place.write(
    "reads.ts",
    `import { tasks } from "tequio";
export default tasks({
  attempts: 1, items: ["node:fs"],
  run: async (name: string) => (await import(name)).readFileSync("/etc/hostname", "utf8"),
});
`,
  );
  const { code, err } = await place.run("run", "--local", "reads.ts", "-o", "-");
  assert.equal(code, 1, err);
  assert.match(err, /job code may not read files; give them to the job as inputs \(reads\.ts:4\)/);
  assert.doesNotMatch(err, /--allow/);
});

test("X9: an input that cannot be read is tried once, by a real worker", { timeout }, async (t) => {
  const place = new Place(t);
  place.write(
    "job.ts",
    `import { type Emit, mapReduce, text } from "tequio";
export default mapReduce({
  input: text.csv(["absent"]),
  map: (row: { absent: string }, emit: Emit<string, number>) => emit(row.absent, 1),
});
`,
  );
  place.write("rows.csv", "a,b\n1,2\n");
  const { code, err } = await place.run("run", "--local", "job.ts", "rows.csv", "-o", "-");
  assert.equal(code, 1, err);
  assert.match(err, /map task 0: rows\.csv has no column "absent"; it has a, b/);
  assert.doesNotMatch(err, /attempts/);
});
