/** The command line against the sequential judge and against bad input: real processes, real
 *  files. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";

const wordCount = `import { mapReduce, text, type Emit } from "tequio";
export default mapReduce({
  input: text.lines(),
  map(line, emit: Emit<string, number>) { for (const w of line.split(" ")) emit(w, 1); },
  combine: (a, b) => a + b,
});
`;

/** The job above with other code in its map. */
function withMap(body: string): string {
  return wordCount.replace('for (const w of line.split(" ")) emit(w, 1);', body);
}

test("the word count of books on a local cluster equals the sequential one", async (t) => {
  const place = new Place(t);
  const job = join(repository, "examples", "word-count", "job.ts");
  const books = join(repository, "examples", "word-count", "books");
  const options = ["--reducers", "3", "--split-bytes", "64K"];
  const local = await place.run("run", "--local", job, books, "--merge", "local.txt", ...options);
  assert.equal(local.code, 0, local.err);
  const judge = await place.run(
    "run",
    "--sequential",
    job,
    books,
    "--merge",
    "judge.txt",
    ...options,
  );
  assert.equal(judge.code, 0, judge.err);
  const hash = (name: string) => createHash("sha256").update(place.read(name)).digest("hex");
  assert.ok(place.read("judge.txt").length > 1000);
  assert.equal(hash("local.txt"), hash("judge.txt"));
  assert.deepEqual(place.leftovers(), []);
});

test("the result says where it lies, and --json says it to programs", async (t) => {
  const place = new Place(t, { "job.ts": wordCount, "in.txt": "a b a\nb a\n" });
  const people = await place.run("run", "--local", "job.ts", "in.txt", "--name", "my words");
  assert.match(
    people.out,
    /^my words done in .*: 2 records, 44 B\nresult: out\/my-words\/part-00000\.ndjson\n/,
  );
  const programs = await place.run("run", "--local", "job.ts", "in.txt", "-o", "o", "--json");
  const { state, records, files } = JSON.parse(programs.out);
  assert.deepEqual(
    { state, records, files },
    { state: "done", records: 2, files: ["o/part-00000.ndjson"] },
  );
  // A busy machine may have had the time for a line that says how far it is.
  assert.match(programs.err, /^(j-1: .*\n)*$/);
  assert.equal(place.read("o/part-00000.ndjson"), '{"key":"a","value":3}\n{"key":"b","value":2}\n');
});

test("with --json it is shown how far the job is, beside the JSON", async (t) => {
  const long = `import { tasks } from "tequio";
const run = (n: number) => new Promise<number>((done) => setTimeout(done, 20, n));
export default tasks({ items: Array.from({ length: 2_000 }, (_, n) => n), run });
`;
  const place = new Place(t, { "long.ts": long });
  const shown = place.start("run", "--local", "long.ts", "-o", "o.ndjson", "--json");
  const line = await shown.said("j-1: tasks ");
  assert.match(line, /^j-1: tasks [\d,]+\/2,000 tasks/m);
  shown.child.kill("SIGINT");
  const { code, err, out } = await shown.ended;
  const failure = { code: "interrupted", message: "j-1 is cancelled" };
  assert.deepEqual([code, JSON.parse(out)], [130, { failure }], err);
});

test("standard input goes in and standard output gets the result and nothing else", async (t) => {
  const place = new Place(t, { "job.ts": wordCount });
  const { child, ended } = place.start("run", "--local", "job.ts", "-", "-o", "-");
  child.stdin?.end("x\nx\n");
  const { code, out, err } = await ended;
  assert.equal(code, 0, err);
  assert.equal(out, '{"key":"x","value":2}\n');
  assert.deepEqual(place.leftovers(), []);
});

test("what job code writes to the console is shown as a log, and is no result", async (t) => {
  const job = `import { tasks } from "tequio";
    console.log("loaded");
    export default tasks({ items: [1], run(n: number) { console.log("at %d", n); return n; } });\n`;
  const place = new Place(t, { "job.ts": job });
  for (const [mode, line] of Object.entries({
    "--local": "task 0 | at 1",
    "--sequential": "at 1",
  })) {
    const { out, err } = await place.run("run", mode, "job.ts", "-o", "-", "--watch");
    assert.equal(out, "1\n");
    const said = err.split("\n");
    assert.ok(said.includes(line) && said.includes("loaded"), err);
  }
});

test("a result on standard output says that bad records are left out of it", async (t) => {
  const job = `import { mapReduce, ndjson } from "tequio";
    export default mapReduce({ input: ndjson<number>(), badRecords: "keep",
      map(n, emit: (key: number, value: number) => void) { emit(n, n); } });\n`;
  const place = new Place(t, { "job.ts": job, "in.ndjson": "1\n{oops\n" });
  for (const mode of ["--local", "--sequential"]) {
    const { out, err } = await place.run("run", mode, "job.ts", "in.ndjson", "-o", "-");
    assert.equal(out, '{"key":1,"value":1}\n');
    assert.match(err, /bad records were left out: -o <folder>/);
  }
});

test("a destination that is taken is refused before any work", async (t) => {
  const endless = `import { tasks } from "tequio";
    export default tasks({ items: [1], run() { for (;;); } });
`;
  const place = new Place(t, { "job.ts": endless, "taken/by.txt": "others" });
  const cases = [
    { to: ["-o", "taken"], says: /conflict: the folder taken is not empty.*--overwrite/ },
    { to: ["-o", "job.ts"], says: /bad-request: job.ts is a file/ },
    { to: ["--merge", "job.ts"], says: /conflict: job.ts exists.*--overwrite/ },
    { to: ["--merge", "taken"], says: /bad-request: taken is a folder/ },
  ];
  for (const mode of ["--local", "--sequential"]) {
    for (const { to, says } of cases) {
      const { code, err } = await place.run("run", mode, "job.ts", ...to);
      assert.equal(code, 2, err);
      assert.match(err, says);
    }
  }
});

test("empty input gives an empty result and success", async (t) => {
  const place = new Place(t, { "job.ts": wordCount, "empty.txt": "" });
  for (const mode of ["--local", "--sequential"]) {
    const { code, out, err } = await place.run("run", mode, "job.ts", "empty.txt", "-o", "-");
    assert.equal(code, 0, err);
    assert.equal(out, "");
  }
});

type Bad = {
  readonly what: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly code: number;
  readonly says: RegExp;
};

const local = ["run", "--local", "job.ts", "in.txt"] as const;
const bad: readonly Bad[] = [
  {
    what: "no such input",
    args: ["run", "--local", "job.ts", "inn.txt"],
    code: 2,
    says: /^tequio: bad-request: no such file: inn\.txt .*in\.txt/s,
  },
  {
    what: "no such job file",
    args: ["run", "--local", "jobb.ts", "in.txt"],
    code: 2,
    says: /^tequio: bad-request: cannot read the job file jobb\.ts: there is no such file/,
  },
  {
    what: "a glob without files",
    args: ["run", "--local", "job.ts", "*.csv"],
    code: 2,
    says: /^tequio: bad-request: no file matches \*\.csv/,
  },
  {
    what: "no default export",
    files: { "job.ts": "export const job = 1;" },
    args: local,
    code: 2,
    says: /^tequio: build-failed: job\.ts has no default export: write `export default/,
  },
  {
    what: "a syntax error",
    files: { "job.ts": "export default {\n  map( {" },
    args: local,
    code: 2,
    says: /^tequio: build-failed: .*job\.ts:2/s,
  },
  {
    what: "a captured variable",
    files: { "job.ts": `let limit = 3;\nlimit += 1;\n${withMap("emit(line, limit);")}` },
    args: local,
    code: 2,
    says: /^tequio: build-failed: .*limit.*params/s,
  },
  {
    what: "an import that cannot be bundled",
    files: { "job.ts": `import "./missing.ts";\n${wordCount}` },
    args: local,
    code: 2,
    says: /^tequio: build-failed: .*missing\.ts/s,
  },
  {
    what: "a reducer that throws",
    files: {
      "job.ts": wordCount.replace(
        "combine: (a, b) => a + b,",
        'attempts: 1,\n  reduce() { throw new RangeError("too many"); },',
      ),
    },
    args: local,
    code: 1,
    says: /^tequio: user-error: .*RangeError: too many.*job\.ts:6/s,
  },
  {
    what: "a map that never ends",
    files: {
      "job.ts": withMap("for (;;);").replace("combine", "timeoutMs: 1000, attempts: 1, combine"),
    },
    args: local,
    code: 1,
    says: /^tequio: timed-out: .*1000 ms/s,
  },
  {
    what: "an output folder with other files in it",
    files: { "o/x.txt": "mine" },
    args: [...local, "-o", "o"],
    code: 2,
    says: /^tequio: conflict: .*not empty.*--overwrite/s,
  },
  {
    what: "no coordinator",
    args: ["run", "job.ts", "in.txt"],
    code: 3,
    says: /^tequio: unavailable: .*tequio up.*--local/s,
  },
  {
    what: "a coordinator that does not answer",
    args: ["jobs", "--url", "http://127.0.0.1:1", "--token", "mrt_x"],
    code: 3,
    says: /^tequio: unavailable: no coordinator answers at .*127\.0\.0\.1:1; check the address/,
  },
  {
    what: "an unknown option",
    args: ["run", "--memry", "job.ts"],
    code: 2,
    says: /^tequio: bad-request: unknown option '--memry'.*see tequio run --help/,
  },
  {
    what: "a parameter that the job does not have",
    args: [...local, "--param", "limt=3"],
    code: 2,
    says: /^tequio: bad-request: unknown parameter "limt"/,
  },
  {
    what: "an address that is none",
    args: ["up", "--listen", "nowhere"],
    code: 2,
    says: /^tequio: bad-request: .*nowhere/,
  },
];

for (const { what, files, args, code, says } of bad) {
  test(`${what}: exit code ${code} and a line that says what to do`, async (t) => {
    const place = new Place(t, { "job.ts": wordCount, "in.txt": "a b\nc\n", ...files });
    const ended = await place.run(...args);
    const errors = ended.err.replace(/^(?!tequio: ).*\n/gm, (line) =>
      /^\s/.test(line) ? line : "",
    );
    assert.match(errors, says);
    assert.equal(ended.code, code, ended.err);
    assert.equal(ended.out, "");
    assert.doesNotMatch(ended.err, /node:internal|src\/cli/, "no stack of the program itself");
    assert.deepEqual(place.leftovers(), []);
  });
}

test("a port in use is reported with the option that chooses another", async (t) => {
  const place = new Place(t);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const { code, err } = await place.run("up", "--listen", `127.0.0.1:${port}`, "--workers", "0");
  assert.match(err, new RegExp(`^tequio: conflict: .*${port}.*--listen`, "s"));
  assert.equal(code, 2);
});

test("every command has help with examples", async (t) => {
  const place = new Place(t);
  const { out } = await place.run("--help");
  const names = [...out.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name as string);
  assert.ok(names.length >= 14, names.join(" "));
  await Promise.all(
    names.map(async (name) => {
      const help = await place.run(name, "--help");
      assert.equal(help.code, 0, name);
      assert.match(help.out, /Examples:\n {2}\$ .*tequio /, name);
    }),
  );
});
