/** `tequio replay` against a coordinator in this process: the task that failed on a worker fails
 *  here, too, at the same place. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { opened } from "../../src/coordinator/testing/opened.ts";
import { hostId } from "../../src/link/host.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { Client } from "../../src/sdk/client.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { Place } from "../fixtures/place.ts";

const odd = `import { log, tasks } from "tequio";
export default tasks({
  items: ["a", "b", "c"],
  params: { tail: "!" },
  run(item: string, { index, params }) {
    log(\`at \${item}\`);
    if (item === "b") throw new TypeError("no b");
    return [item + params.tail, index, Math.random()];
  },
});
`;
const pairs = `import { type Emit, mapReduce, text } from "tequio";
export default mapReduce({
  input: text.lines(),
  params: { tail: "!" },
  map(line, emit: Emit<string, number>) {
    if (line === "x") throw new Error("no x");
    emit(line, line.length);
  },
  combine: (a, b) => a + b,
});
`;

const busy = `import { tasks } from "tequio";
export default tasks({ items: [3e7], params: { tail: "" }, run: (count: number) => spin(count) });

function spin(count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.sqrt(i % 7);
  return Math.round(sum);
}
`;

const sums = `import { type Emit, mapReduce, text } from "tequio";
export default mapReduce({
  input: text.lines(),
  params: { tail: "" },
  reducers: 1,
  map(line, emit: Emit<string, number>) {
    let sum = 0;
    for (let i = 0; i < 3e7; i++) sum += Math.sqrt(i % 7);
    emit("all", sum > 0 ? line.length : 0);
  },
  reduce(key, values) {
    let sum = 0;
    for (const value of values) for (let i = 0; i < 3e7; i++) sum += Math.sqrt((value + i) % 7);
    return Math.round(sum);
  },
});
`;

/** A coordinator in this process, and files of jobs. */
async function setUp(t: TestContext, files: Readonly<Record<string, string>>) {
  const cluster = await opened(t);
  const place = new Place(t, files);
  const { adminToken: token, url } = cluster.coordinator;
  const client = new Client({ url, token });
  t.after(() => client.close());
  const submit = async (file: string, inputs: readonly string[], splitBytes?: number) => {
    const built = await bundleJob(`${place.dir}/${file}`);
    const cut = splitBytes === undefined ? {} : { splitBytes };
    const settings = { inputs, params: { tail: "?" }, host: hostId(), ...cut };
    const plan = await planJob(built.job, settings);
    return submitJob(client, built, plan, { name: file });
  };
  const at = ["--url", url, "--token", token];
  const command = (...args: string[]) => place.run(...args, ...at);
  return { command, place, submit };
}

test("a task is run again with its item, number, parameters and random numbers", async (t) => {
  const files = {
    "odd.ts": odd,
    "pairs.ts": pairs,
    "lines.txt": "aa\naa\nx\nb\n",
    "whole.txt": "aa\naa\nb\naa\n",
  };
  const { command, place, submit } = await setUp(t, files);
  const replay = (...args: string[]) => command("replay", ...args);

  const list = await submit("odd.ts", []);
  const third = await replay(list, "2");
  assert.equal(third.code, 0, third.err);
  const [value, index] = JSON.parse(third.out) as [string, number, number];
  assert.deepEqual([value, index], ["c?", 2]);
  assert.equal((await replay(list, "2")).out, third.out, "the same random number");
  assert.match(third.err, /at c/);
  const second = await replay(list, "1");
  assert.equal(second.code, 1);
  assert.match(second.err, /run threw TypeError: no b \(odd\.ts:7\) on item 1/);
  const told = await replay(list, "1", "--json");
  assert.equal(told.code, 1);
  const { failure, task } = JSON.parse(told.out) as { failure: { code: string }; task: number };
  assert.deepEqual([failure.code, task], ["user-error", 1]);

  const mapped = await submit("pairs.ts", [`${place.dir}/lines.txt`], 6);
  const first = await replay(mapped, "0");
  assert.equal(first.out, '{"key":"aa","value":2}\n{"key":"aa","value":2}\n', first.err);
  const whole = await submit("pairs.ts", [`${place.dir}/whole.txt`], 6);
  const reduced = await replay(whole, "0", "--reduce");
  assert.equal(reduced.out, '{"key":"aa","value":6}\n{"key":"b","value":1}\n', reduced.err);
  const broken = await replay(mapped, "1");
  assert.match(broken.err, /map threw Error: no x \(pairs\.ts:6\) on the record at .*lines\.txt:6/);

  for (const [args, code, why] of [
    [[list, "3"], 2, /has no task 3: its last task is 2/],
    [[list, "0", "--reduce"], 2, /has no reduce task 0: it has no reduce tasks/],
    [[mapped, "9"], 2, /has no map task 9: its last map task is 1/],
    [["j-9", "0"], 2, /there is no job j-9/],
    [[list, "first"], 2, /"first" is no number of a task/],
  ] as const) {
    const refused = await replay(...args);
    assert.equal(refused.code, code);
    assert.match(refused.err, why);
  }
});

test("a profile names the job's functions by their lines, as a table and as a graph", async (t) => {
  const { command, place, submit } = await setUp(t, { "busy.ts": busy, "sums.ts": sums });
  const list = await submit("busy.ts", []);
  const table = await command("profile", list, "-o", "flame.html");
  assert.equal(table.code, 0, table.err);
  assert.match(table.out, /^task 0 of j-1: .* samples\n {3}self {4}total {2}function\n/);
  assert.match(table.out, / \d\d\.\d % +\d\d\.\d % +spin +busy\.ts:4\n/);
  assert.match(table.out, /profile: flame\.html\n$/);
  assert.match(place.read("flame.html"), /<title>spin \(busy\.ts:4\): /);

  const kept = await command("profile", list, "0", "-o", "busy.cpuprofile", "--json");
  const { functions } = JSON.parse(kept.out) as { functions: Array<Record<string, unknown>> };
  assert.ok(functions.some(({ name, place }) => name === "spin" && place === "busy.ts:4"));
  const { nodes } = JSON.parse(place.read("busy.cpuprofile")) as { nodes: unknown[] };
  assert.ok(nodes.length > 1);

  const summed = await submit("sums.ts", [place.write("one.txt", "aa\n")]);
  const reduce = await command("profile", summed, "0", "--reduce");
  assert.match(reduce.out, /^reduce task 0 of j-2: .* samples\n/, reduce.err);
  assert.match(reduce.out, / reduce +sums\.ts:\d+\n/);
  assert.doesNotMatch(reduce.out, / map +sums\.ts/, "map tasks are not in it");
  const map = await command("profile", summed, "0");
  assert.match(map.out, / map +sums\.ts:\d+\n/, map.err);

  for (const [args, why] of [
    [["-o", "flame.html"], /flame\.html exists; choose another, or replace it with --overwrite/],
    [["-o", "flame.svg"], /flame\.svg is no profile by its name; end it in \.html or \.cpuprofile/],
    [["first"], /"first" is no number of a task; write for instance: profile j-3 17/],
  ] as const) {
    const refused = await command("profile", list, ...args);
    assert.equal(refused.code, 2);
    assert.match(refused.err, why);
  }
});
