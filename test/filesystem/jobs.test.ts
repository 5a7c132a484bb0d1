/** Jobs of the filesystem protocol on the whole cluster: independent clients in Python submit them
 *  and get what existing clients expect. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { polled } from "../../src/store/testing/polled.ts";
import { countedWords, noPeers, Peer, python, tracked, wordFunctions } from "./tracked.ts";

const text = Array.from({ length: 900 }, (_, i) => `word${i % 37} ñandú the line ${i}\n`).join("");

test("a client's job runs on the cluster, and its result is the pickle it expects", {
  skip: noPeers,
}, async (t) => {
  const cluster = await tracked(t);
  const functions = cluster.file("functions.py", wordFunctions);
  const data = cluster.file("data.txt", text);
  const client = new Peer(t, "client.py", cluster.port, functions, data);
  const { job } = await client.said("job");
  const done = await client.said("done");
  assert.equal(done.done, `./${job}/result_data`);
  assert.deepEqual(new Map(done.result as [string, number][]), countedWords(text));
  const [row] = done.job_rows as Record<string, string>[];
  assert.deepEqual([row?.status_phase, row?.job_state, row?.data_type], ["DONE", "reduce", "text"]);
  const blocks = done.blocks as Record<string, string>[];
  assert.ok(blocks.some(({ block_id }) => block_id === "map_0"));
  assert.ok(blocks.some(({ block_id }) => block_id === "reduce_0"));
  assert.ok(blocks.every(({ state }) => state === "DONE"));
  const [{ state } = { state: "" }] = await cluster.client.jobs();
  assert.equal(state, "done");
});

/** A slice takes so long that the job is still under way when a second client comes. */
const slow = `
import time
${wordFunctions}
plain = mapper
def mapper(k, v):
    time.sleep(0.3)
    return plain(k, v)
`;

test("a second client of a job is relocated, and both receive its end", {
  skip: noPeers,
}, async (t) => {
  const cluster = await tracked(t);
  const functions = cluster.file("functions.py", slow);
  const data = cluster.file("data.txt", text);
  const first = new Peer(t, "client.py", cluster.port, functions, data);
  const { listener, ping } = await first.said("job");
  const second = new Peer(t, "client.py", cluster.port, functions, data);
  const { relocated } = await second.said("relocated");
  const [[pingIp, pingPort], [ip, port]] = [ping as string[], listener as string[]];
  assert.deepEqual(relocated, {
    ping_tracker_ip: pingIp,
    ping_tracker_port: pingPort,
    answer_ip: ip,
    answer_port: port,
  });
  for (const client of [first, second]) {
    const { result } = await client.said("done");
    assert.deepEqual(new Map(result as [string, number][]), countedWords(text));
  }
  assert.equal((await cluster.client.jobs()).length, 1);
});

test("other data under the id of a job that runs does not get its result", {
  skip: noPeers,
}, async (t) => {
  const cluster = await tracked(t);
  const functions = cluster.file("functions.py", slow);
  const data = cluster.file("data.txt", text);
  const first = new Peer(t, "client.py", cluster.port, functions, data);
  const { job } = await first.said("job");
  await polled(
    async () => (await cluster.client.jobs()).length,
    (count) => count === 1,
  );
  cluster.file("data.txt", `${text}one more\n`);
  const other = new Peer(t, "client.py", cluster.port, functions, data);
  assert.equal((await other.said("job")).job, job);
  const { error } = await other.said("error");
  assert.match((error as { info: string }).info, /runs with other functions or data/);
  const { result } = await first.said("done");
  assert.deepEqual(new Map(result as [string, number][]), countedWords(text));
});

test("a job that is done already is answered at once, and other data under its id is not", {
  skip: noPeers,
}, async (t) => {
  const cluster = await tracked(t);
  const functions = cluster.file("functions.py", wordFunctions);
  const data = cluster.file("data.txt", text);
  const first = new Peer(t, "client.py", cluster.port, functions, data);
  const { job } = await first.said("job");
  await first.said("done");
  const again = new Peer(t, "client.py", cluster.port, functions, data);
  await again.said("done");
  assert.equal((await cluster.client.jobs()).length, 1);
  // The id is made of the names and the first five lines alone.
  const other = `${text}one more\n`;
  cluster.file("data.txt", other);
  const changed = new Peer(t, "client.py", cluster.port, functions, data);
  assert.equal((await changed.said("job")).job, job);
  const { result } = await changed.said("done");
  assert.deepEqual(new Map(result as [string, number][]), countedWords(other));
  assert.equal((await cluster.client.jobs()).length, 2);
});

test("a failing function ends the job, and its client reads where and why", {
  skip: noPeers,
}, async (t) => {
  const cluster = await tracked(t);
  const data = cluster.file("data.txt", text);
  const cases = [
    [
      "def mapper(k, v):\n    return [(v, 1 / 0)]\ndef reducer(k, v):\n    return k, 1\n",
      /ZeroDiv/,
    ],
    ["def mapper(k, v):\n    return []\n", /Can't import function.* no reducer/],
    ["def mapper(k, v:\n", /SyntaxError|syntax|was never closed/],
  ] as const;
  for (const [index, [code, expected]] of cases.entries()) {
    const functions = cluster.file(`functions-${index}.py`, code);
    const client = new Peer(t, "client.py", cluster.port, functions, data);
    const { error } = await client.said("error");
    assert.match((error as { info: string }).info, expected);
  }
});

test("keys and values are what existing programs make of them, tuples among them", {
  skip: noPeers,
}, async (t) => {
  const cluster = await tracked(t);
  const functions = cluster.file(
    "functions.py",
    `
def mapper(k, v):
    return [((word[0], len(word)), (word, 10 ** 30)) for word in v.split()]


def combiner(key, values):
    first, length = key
    assert isinstance(key, tuple)
    return (first, length), [min(w for w, _ in values), sum(n for _, n in values)]


def reducer(key, values):
    assert isinstance(key, list), "JSON has no tuples"
    return tuple(key), {"least": min(w for w, _ in values), 1: sum(n for _, n in values)}
`,
  );
  const data = cluster.file("data.txt", "aa ab b\nb aa\n".repeat(100));
  const client = new Peer(t, "client.py", cluster.port, functions, data);
  const { done, job, result, fs } = {
    ...(await client.said("job")),
    ...(await client.said("done")),
  };
  assert.equal((result as unknown[]).length, 2);
  const read = `
import sys; sys.path.insert(0, sys.argv[1])
from wire import get_object
print(get_object(["127.0.0.1", sys.argv[2]], sys.argv[3]))`;
  const peers = new URL("peers", import.meta.url).pathname;
  const shown = await python(read, peers, (fs as string[])[1]!, done as string);
  const [a, b] = [300n, 200n].map((count) => count * 10n ** 30n);
  assert.equal(
    shown.trim(),
    `[(('a', 2), {'least': 'aa', 1: ${a}}), (('b', 1), {'least': 'b', 1: ${b}})]`,
    String(job),
  );
});
