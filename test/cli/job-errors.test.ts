/** What the author of a job reads when it throws: on each way to run it, with equal exit codes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { Place } from "../fixtures/place.ts";

const timeout = testMaxMs;
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

test("a job that fails is the same object for programs, with a cluster and without", {
  timeout,
}, async (t) => {
  const place = new Place(t);
  place.write(
    "fails.ts",
    `import { tasks } from "tequio";
export default tasks({ attempts: 1, items: [7], run: () => { throw new Error("no luck"); } });
`,
  );
  const ways = await Promise.all(
    ["--local", "--sequential"].map((way) => place.run("run", way, "--json", "fails.ts")),
  );
  const [local, sequential] = ways.map(({ code, out, err }) => {
    assert.equal(code, 1, err);
    return JSON.parse(out) as Record<string, unknown>;
  });
  assert.deepEqual(Object.keys(sequential!), Object.keys(local!));
  for (const told of [local!, sequential!]) {
    const { code, message } = told.failure as { code: string; message: string };
    assert.deepEqual([told.name, told.state, code], ["fails", "failed", "user-error"]);
    assert.match(message, /no luck/);
  }
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

const inOneJob = (run: string, more = "") => `import { tasks } from "tequio";
export default tasks({ attempts: 1, ${more} items: [0, 1], run: ${run} });
`;
const faults = {
  "large.ts": [
    inOneJob(`() => "x".repeat(2 ** 20)`),
    1,
    /limit-exceeded: .*the result of item 0 has/,
  ],
  "limit.ts": [
    inOneJob("() => 1", "timeoutMs: -1,"),
    2,
    /^tequio: bad-request: timeoutMs is -1; it/,
  ],
} as const;

test("the same fault ends --sequential and --local with the same code and words", {
  timeout,
}, async (t) => {
  const place = new Place(t);
  for (const [file, [source, exit, text]] of Object.entries(faults)) {
    place.write(file, source);
    for (const mode of ["--sequential", "--local"]) {
      const { code, err } = await place.run("run", mode, file, "-o", "-");
      assert.equal(code, exit, `${file} ${mode}: ${err}`);
      assert.match(err, text, mode);
    }
  }
});

test("what nothing catches is a failure under the judge, and no crash of the command", {
  timeout,
}, async (t) => {
  const place = new Place(t);
  const lost = "Promise.reject(new Error('lost'));";
  const soon = "setTimeout(() => { throw new Error('soon'); }, 1);";
  place.write("lost.ts", inOneJob(`(item: number) => { if (item === 1) ${lost} return item; }`));
  place.write("soon.ts", inOneJob(`() => { ${soon} return new Promise<void>(() => {}); }`));
  // The first item's promise is settled by the second.
  const gated = `async (item: number) => {
    const held = globalThis as unknown as { gate: PromiseWithResolvers<void> };
    if (item === 1) return held.gate.resolve();
    held.gate = Promise.withResolvers();
    held.gate.promise.then(() => { throw new Error("late"); });
  }`;
  place.write("late.ts", inOneJob(gated));
  place.write("top.ts", `${inOneJob("(item: number) => item")}${lost}`);
  place.write(
    "list.ts",
    inOneJob("(item: number) => item").replace("[0, 1]", `() => { ${lost} return [1]; }`),
  );
  const run = (file: string) => place.run("run", "--sequential", file, "-o", "-");
  const files = ["lost.ts", "soon.ts", "late.ts", "top.ts", "list.ts"];
  const [rejected, thrown, late, top, list] = await Promise.all(files.map(run));
  const text = "a promise that nothing awaits was rejected";
  assert.equal(rejected!.code, 1);
  assert.match(
    rejected!.err,
    new RegExp(`^tequio: user-error: ${text}: Error: lost .* on item 1\\n`),
  );
  assert.equal(thrown!.code, 1);
  assert.match(thrown!.err, /^tequio: user-error: thrown where nothing catches it .*: Error: soon/);
  assert.deepEqual([late!.code, late!.out], [0, "null\nnull\n"]);
  assert.match(late!.err, /^after the task had ended, a promise that .*: Error: late/);
  assert.equal(top!.code, 2);
  assert.match(top!.err, new RegExp(`^tequio: build-failed: top\\.ts:3:16: ${text}, while it was`));
  assert.equal(list!.code, 2);
  assert.match(list!.err, new RegExp(`^tequio: build-failed: items: ${text}: Error: lost`));
  for (const { err } of [rejected!, thrown!, late!, top!, list!])
    assert.doesNotMatch(err, /Node\.js v/);
});
