/** Lists of tasks some of which fail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";

const job = `import { tasks } from "tequio";
export default tasks({
  items: [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }],
  attempts: 1,
  run({ n }) {
    if (n % 2 === 0 && n !== 4) throw new RangeError("two is odd");
    return { square: n * n };
  },
});
`;

test("with --keep-going the results of the others are saved, and the failed named", async (t) => {
  const place = new Place(t, { "list.ts": job });
  const ran = await place.run("run", "--local", "list.ts", "--keep-going", "-o", "out");
  assert.equal(ran.code, 1, ran.err);
  assert.match(ran.err, /1 of 4 tasks of j-1 failed, and have no result; out.*_bad.*has them/);
  assert.match(ran.out, /1 failed task in out/);
  const squares = place.read("out/results.ndjson").trim().split("\n");
  assert.equal(squares.length, 3);
  assert.equal(squares[0], '{"square":1}');
  assert.equal(squares[2], '{"square":16}');
  const failed = JSON.parse(place.read("out/_bad/records.ndjson"));
  assert.equal(failed.task, 1);
  assert.deepEqual(failed.item, { n: 2 });
  assert.equal(failed.code, "user-error");
  assert.match(failed.message, /task 1 failed 1 of 1 attempts; last: .*two is odd/);
});

test("a table has the fields of the items that did not fail", async (t) => {
  const place = new Place(t, { "list.ts": job });
  const ran = await place.run("run", "--local", "list.ts", "--keep-going", "-o", "x.csv", "--json");
  assert.equal(ran.code, 1, ran.err);
  assert.equal(JSON.parse(ran.out).tasksFailed, 1);
  const lines = place.read("x.csv").trim().split("\n");
  assert.equal(lines[0], "n,square");
  assert.equal(lines[1], "1,1");
  assert.equal(lines[3], "4,16");
  assert.equal(JSON.parse(place.read("_bad/x.csv.ndjson")).task, 1);
});

test("beside a result on standard output, too, those that failed are counted", async (t) => {
  const place = new Place(t, { "list.ts": job });
  const ran = await place.run("run", "--local", "list.ts", "--keep-going", "-o", "-", "--json");
  assert.equal(ran.code, 1, ran.err);
  const { badRecords, tasksFailed } = JSON.parse(ran.err.trim().split("\n").at(-1) ?? "");
  assert.deepEqual([badRecords, tasksFailed], [1, 1]);
});

test("without it nothing is saved; other jobs than lists have no such option", async (t) => {
  const place = new Place(t, {
    "list.ts": job,
    "words.ts": 'import { text } from "tequio";\nexport default text.words().count();\n',
    "in.txt": "a\n",
  });
  const alone = await place.run("run", "--local", "list.ts", "-o", "out");
  assert.equal(alone.code, 1);
  assert.throws(() => place.read("out/results.ndjson"));
  const words = await place.run("run", "--local", "words.ts", "in.txt", "--keep-going", "-o", "-");
  assert.equal(words.code, 2);
  assert.match(words.err, /--keep-going is for lists of tasks/);
});

test("a list that went on without some of its tasks says so wherever it is asked", async (t) => {
  const place = new Place(t, { "list.ts": job });
  const up = place.start("up", "--listen", "127.0.0.1:0", "--workers", "1");
  await up.said("run a job");
  await place.run("run", "list.ts", "--keep-going", "--detach");
  const attached = await place.run("attach", "j-1");
  assert.equal(attached.code, 1, attached.err);
  assert.match(attached.out, /save its result with: .*get j-1 -o out/);
  assert.match(attached.err, /1 of 4 tasks of j-1 failed, and have no result/);
  const status = await place.run("status", "j-1");
  assert.match(status.out, /tasks: 1 task failed, without a result, 1 attempt failed/);
  const why = await place.run("why", "j-1", "1");
  assert.match(why.out, /^task 1 failed after 1 attempt/);
  up.child.kill("SIGINT");
  assert.equal((await up.ended).code, 0);
});
