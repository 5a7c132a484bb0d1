/** What `--json` prints: one JSON value on standard output, whatever becomes of the command, and a
 *  `failure` in it when it fails. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { announced } from "../fixtures/cluster.ts";
import { type Ended, Place } from "../fixtures/place.ts";

const job = `import { tasks } from "tequio";
export default tasks({ items: [1, 2], run: (item) => item });
`;
const fails = `import { tasks } from "tequio";
export default tasks({ attempts: 1, items: [7], run: () => { throw new Error("no luck"); } });
`;
const files = { "job.ts": job, "fails.ts": fails, "here/file.txt": "kept\n", "t.csv": "a\n1\n" };

type Told = {
  readonly state?: string;
  readonly failure?: { readonly code: string; readonly message: string } | null;
  readonly tasksFailed?: number;
};

/** By the documented rule: of several values, which `cancel` and `rm` print, the last one says
 *  whether the command has failed. */
function told(text: string, what: string): Told {
  const lines = text.split("\n").filter((line) => line !== "");
  assert.ok(lines.length > 0, `${what} printed nothing`);
  return lines.map((line) => JSON.parse(line) as Told).at(-1)!;
}

/** Of the whole command line: each command that has `--json`, and those below `token`. */
async function commandsWithJson(place: Place): Promise<string[]> {
  const { out } = await place.run("completion", "bash");
  const found = [...out.matchAll(/^ {4}(\w+)\) options=".*--json/gm)].map(([, name]) => name!);
  const below = ["create", "ls", "revoke"].map((name) => `token ${name}`);
  return [...found.filter((name) => name !== "token"), ...below];
}

test("each command with --json says as JSON that its arguments cannot be used", async (t) => {
  const place = new Place(t, files);
  const all = await commandsWithJson(place);
  assert.ok(all.length > 30, all.join(", "));
  const ended = await eachOf(all, async (name) => {
    return place.run(...name.split(" "), "--no-such-option", "--json");
  });
  for (const [name, { code, err, out }] of ended) {
    assert.equal(code, 2, `${name}: ${err}`);
    const { failure } = told(name === "sql" ? err : out, name);
    assert.equal(failure?.code, "bad-request", name);
    assert.match(failure.message, new RegExp(`; see tequio ${name} --help$`));
    if (name === "sql") assert.equal(out, "");
    else assert.match(err, /^tequio: bad-request: /);
  }
});

/** Some at once: each is a process. */
async function eachOf(names: readonly string[], run: (name: string) => Promise<Ended>) {
  const ended = new Map<string, Ended>();
  const left = names[Symbol.iterator]();
  const lane = async () => {
    for (const name of left) ended.set(name, await run(name));
  };
  await Promise.all([lane(), lane(), lane()]);
  return ended;
}

/** [command line, exit code, where it prints, what it says, its `failure`]. */
type Case = readonly [string, number, "out" | "err", RegExp, RegExp?];

const none = /"failure":null/;
const noLuck = /user-error: .*run threw Error: no luck/;
/** With a coordinator on which j-1 is done and j-2 has failed. */
const cases: readonly Case[] = [
  ["run job.ts -o r1", 0, "out", none],
  ["run job.ts -o -", 0, "err", none],
  ["run fails.ts -o r2", 1, "out", /"tasksFailed":1/, noLuck],
  ["run fails.ts -o -", 1, "err", /"state":"failed"/, noLuck],
  ["run fails.ts --sequential -o r3", 1, "out", /"tasksFailed":1/, noLuck],
  ["run fails.ts --sequential -o -", 1, "err", /"state":"failed"/, noLuck],
  ["run none.ts -o -", 2, "err", /./, /cannot read the job file none\.ts/],
  ["run none.ts", 2, "out", /./, /cannot read the job file none\.ts/],
  ["run job.ts data --filesystem 127.0.0.1:1", 2, "out", /./, /run a Python file/],
  ["run words.py t.csv --filesystem 127.0.0.1:1 -o -", 2, "err", /./, /words\.py/],
  ["sql --sequential bad", 2, "err", /./, /bad-request/],
  ["sql --explain bad", 2, "out", /./, /bad-request/],
  ["attach j-1", 0, "out", none],
  ["attach j-2", 1, "out", /"job":"j-2"/, /no luck/],
  ["attach j-2 -o -", 1, "err", /"job":"j-2"/, /no luck/],
  ["get j-1 -o r4", 0, "out", none],
  ["get j-1 -o here", 2, "out", /"state":"done"/, /conflict: .*here is not empty/],
  ["get j-2 -o -", 1, "err", /./, /no luck/],
  ["get j-99", 2, "out", /./, /not-found: there is no job j-99/],
  ["replay j-1 0", 0, "out", /"result":"1\\n"/],
  ["replay j-2 0", 1, "out", /"task":0/, /no luck/],
  ["replay j-1 9", 2, "out", /./, /no task 9/],
  ["cancel j-1 j-99", 2, "out", /./, /not-found/],
  ["token revoke no-such", 2, "out", /./, /not-found/],
  ["nothing", 2, "out", /./, /unknown command 'nothing'/],
  ["down", 0, "out", /"stopped":true/],
  ["jobs", 3, "out", /./, /unavailable: no coordinator runs on this machine/],
];

test("a command with --json gives one answer, and says in it why it failed", async (t) => {
  const place = new Place(t, files);
  await announced(place.start("up", "--listen", "127.0.0.1:0", "--workers", "1", "--json"));
  for (const [name, code] of [["job.ts", 0] as const, ["fails.ts", 1] as const]) {
    const { code: ended, err } = await place.run("run", name, "-o", `first-${name}`);
    assert.equal(ended, code, err);
  }
  for (const [line, code, where, says, failure] of cases) {
    const ended = await place.run(...line.split(" "), "--json");
    assert.equal(ended.code, code, `${line}: ${ended.err}`);
    assert.match(ended[where], says, line);
    const answer = told(ended[where], line);
    if (where === "err") assert.doesNotMatch(ended.err, /^tequio: /m);
    const given = answer.failure ?? null;
    if (failure === undefined) assert.equal(given, null, line);
    else assert.match(`${given?.code}: ${given?.message}`, failure, line);
    // What is beside a result may not be mixed with it.
    if (where === "err") assert.doesNotMatch(ended.out, /failure/);
    else if (!line.startsWith("cancel")) assert.equal(ended.out.trim().split("\n").length, 1, line);
  }
});
