/** The file system of the filesystem protocol, seen by clients: bytes, names, locks and
 *  refusals. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { askAround } from "../../../peer/discovery.ts";
import { polled } from "../../../store/testing/polled.ts";
import { readPickle } from "../../../wire/filesystem/pickle/reader.ts";
import { writePickle } from "../../../wire/filesystem/pickle/writer.ts";
import { PyTuple } from "../../../wire/filesystem/value.ts";
import { type Client, filesystemOpened, ok } from "./testing/client.ts";

const text = (value: string) => Buffer.from(value);
const database = { status_db_url: "j/database.sqlite3" };

test("T1.1: empty lines, CRLF, binary data and a missing newline are kept exactly", async (t) => {
  const { client } = await filesystemOpened(t);
  const all = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  const files: ReadonlyArray<readonly Buffer[]> = [
    [],
    [text("a\n"), text("\n"), text("\n"), text("b")],
    [text("a\r\n\r\nb\r\n")],
    [all, all],
    [text("é\n"), Buffer.from([0xff, 0x0a, 0x00])],
    [text("\n")],
  ];
  for (const [index, frames] of files.entries()) {
    assert.equal((await client.put(`j/${index}`, frames)).name, "OK");
    const lines = await client.get(`j/${index}`);
    assert.deepEqual(Buffer.concat(lines), Buffer.concat(frames));
    for (const line of lines.slice(0, -1)) assert.equal(line.indexOf(0x0a), line.length - 1);
  }
});

test("T1.1: an upload shorter than the size that it announces is refused", async (t) => {
  const { client } = await filesystemOpened(t);
  const short = await client.put("j/x", [text("ab")], { size: 5n });
  assert.equal(short.name, "ERROR");
  assert.match(String(short.payload.get("info")), /5 bytes, 2 came: nothing is stored/);
  await assert.rejects(client.get("j/x"), /File does not exist: j\/x/);
  assert.equal((await client.put("j/x", [text("ab"), text("cde")], { size: 5n })).name, "OK");
});

test("T1.2: names outside the store, of no job, and of all jobs, are not found", async (t) => {
  const { client } = await filesystemOpened(t);
  await client.putJob("j");
  for (const file_url of ["../x", "/x", "a/../../x", "x\0y"]) {
    for (const name of ["GETDATA", "PUTDATA"]) {
      const { name: said, payload } = await client.call(name, { file_url, byte: true });
      assert.deepEqual([said, payload.get("type_error")], ["ERROR", "FileNotFound"]);
    }
  }
  for (const job_url of ["/", ".", "..", "../j", "none", ""]) {
    const { name, payload } = await client.call("REMOVEJOB", { job_url });
    assert.deepEqual([name, payload.get("info")], ["ERROR", "404: Job not found"]);
  }
  const status_db_url = "../j/database.sqlite3";
  const { payload } = await client.call("GETROWS", { status_db_url });
  assert.equal(payload.get("type_error"), "FileNotFoundError");
  assert.equal((await client.call("REMOVEJOB", { job_url: "./j" })).name, "OK");
  await assert.rejects(client.get("j/__init__.py"), /does not exist/);
});

test("T1.3: ports of calls are limited, and closed at the end or after silence", async (t) => {
  const limits = { callsMax: 2, silenceMs: 2_000, lockMs: 60_000 };
  const { client } = await filesystemOpened(t, { limits });
  const unused = await client.begin("PUTDATA", { file_url: "j/x", byte: true });
  const used = await client.begin("PUTJOB", { job_id: "j" });
  const third = await client.call("PUTJOB", { job_id: "j" });
  assert.deepEqual([third.name, third.payload.get("type_error")], ["ERROR", "LockFileError"]);
  // Late, and once more from another connection: the first request was the last that is accepted.
  await client.raw(used, ok);
  await assert.rejects(client.raw(used, ok, 300), /did not answer/);
  // The other call received nothing: its file is unlocked again, and nothing is stored.
  await client.put("j/x", [text("a")]);
  await assert.rejects(client.raw(unused, text("b"), 300), /did not answer/);
  assert.deepEqual(await client.get("j/x"), [text("a")]);
});

test("T1.4: a job in the document's form exists after all of its files and STOP", async (t) => {
  const { client } = await filesystemOpened(t);
  const files = ["functions.py", "data"];
  const begin = () => client.begin("PUTJOB", { job_hash: "j", files });
  const send = async (port: number, file_url: string) => {
    assert.equal((await client.call("PUTDATA", { file_url, bytes: false }, port)).name, "OK");
    for (const frame of [`of ${file_url}\n`, "\n", ""]) await client.raw(port, text(frame));
  };
  const early = await begin();
  await send(early, "data");
  const refused = await client.call("STOP", {}, early);
  assert.match(String(refused.payload.get("info")), /j\/functions.py was not received; nothing/);
  const foreign = await client.call("PUTDATA", { file_url: "other" }, await begin());
  assert.match(String(foreign.payload.get("info")), /j\/other was not announced/);
  const twice = await begin();
  await send(twice, "data");
  const again = await client.call("PUTDATA", { file_url: "data" }, twice);
  assert.match(String(again.payload.get("info")), /j\/data came twice/);
  assert.equal((await client.call("GETROWS", database)).name, "ERROR");
  await assert.rejects(client.get("j/data"), /does not exist/);
  const double = await client.call("PUTJOB", { job_id: "j", files: ["a", "a"] });
  assert.equal(double.name, "ERROR");
  const whole = await begin();
  for (const file of files) await send(whole, file);
  const { payload } = await client.call("STOP", {}, whole);
  assert.equal(payload.get("job_url"), "./j");
  assert.deepEqual(payload.get("files_url"), ["j/functions.py", "j/data", "j/database.sqlite3"]);
  assert.deepEqual(await client.get("j/data"), [text("of data\n"), text("\n")]);
  // The document's client reads this from its main socket.
  assert.equal((await client.call("STOP", { job_id: "j" })).payload.get("job_url"), "./j");
});

test("T1.5: bytes that are not ZMTP, and a broken connection, disturb no other call", async (t) => {
  const { client } = await filesystemOpened(t);
  const greeting = Buffer.concat([
    Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f]),
    Buffer.alloc(9),
  ]);
  const garbage = [
    text("GET / HTTP/1.1\r\n\r\n"),
    Buffer.alloc(4_096, 0xff),
    greeting,
    Buffer.concat([greeting, Buffer.from([2, 0x7f, 0xff, 0xff, 0xff])]),
  ];
  const busy = client.begin("PUTDATA", { file_url: "j/x", byte: true });
  for (const bytes of garbage) {
    const socket = connect(client.port, "127.0.0.1");
    await new Promise((sent) => socket.on("error", sent).write(bytes, sent));
    socket.resetAndDestroy();
    assert.equal((await client.call("NOTHING", {})).name, "ERROR");
  }
  const port = await busy;
  await client.raw(port, text("a"));
  assert.equal((await client.raw(port, text(""))).toString(), ok.toString());
  assert.deepEqual(await client.get("j/x"), [text("a")]);
});

test("T1.6: an unknown message, and one without its payload, are ERROR with info", async (t) => {
  const { client } = await filesystemOpened(t);
  for (const frame of ["DESTROY 0 {}", "PUTDATA", "nonsense", "PUTDATA 2 {}", 'GETDATA 1 {"a":']) {
    const answer = text(Buffer.from(await client.raw(client.port, text(frame))).toString());
    assert.match(answer.toString(), /^ERROR 2 \{"info": ".+", "type_error": "BadRequest"\}$/);
  }
  await client.putJob("j");
  const wrong = await client.twoSteps("GETROWS", database, { table: "none", filters: [] });
  assert.match(String(wrong.payload.get("info")), /unknown table none; the tables are block/);
});

test("T1.7: addresses in messages are kept as text, and nothing is sent there", async (t) => {
  const { client, cluster } = await filesystemOpened(t);
  const { createServer } = await import("node:net");
  let connections = 0;
  const inner = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => inner.listen(0, "127.0.0.1", resolve));
  t.after(() => inner.close());
  const port = String((inner.address() as { port: number }).port);
  await client.putJob("j");
  const columns = "status_phase map_data_url result_url job_state data_type".split(" ");
  const second = {
    job_id: "j",
    tracker_ip_ping: "127.0.0.1",
    tracker_port_ping: port,
    answer_ip: "127.0.0.1",
    answer_port: port,
    ...Object.fromEntries(columns.map((column) => [column, ""])),
  };
  assert.equal((await client.twoSteps("INSERTJOB", database, second)).name, "OK");
  assert.equal(
    (await client.twoSteps("INSERTJOB", database, { ...second, answer_ip: "x" })).name,
    "OK",
  );
  const { payload } = await client.twoSteps("GETROWS", database, { table: "job", filters: [] });
  const rows = payload.get("rows") as ReadonlyArray<ReadonlyMap<string, string>>;
  assert.deepEqual(
    rows.map((row) => row.get("answer_ip")),
    ["127.0.0.1"],
  );
  await cluster.coordinator.close();
  assert.equal(connections, 0);
});

test("a file being written is locked, its current readers read the old content", async (t) => {
  const { client } = await filesystemOpened(t, { limits: { lockMs: 100 } });
  await client.put("j/x", [text("old\n"), text("old")]);
  const reader = await client.begin("GETDATA", { file_url: "j/x", byte: true });
  assert.equal(Buffer.from(await client.raw(reader, ok)).toString(), "old\n");
  const writer = await client.begin("PUTDATA", { file_url: "j/x", byte: true });
  await client.raw(writer, text("new"));
  for (const name of ["PUTDATA", "GETDATA"]) {
    const { name: said, payload } = await client.call(name, { file_url: "j/x", byte: true });
    assert.deepEqual([said, payload.get("type_error")], ["ERROR", "LockFileError"]);
  }
  const removal = await client.putJob("j").then(() => client.call("REMOVEJOB", { job_url: "j" }));
  assert.equal(removal.payload.get("type_error"), "LockFileError");
  await client.raw(writer, text(""));
  assert.equal(Buffer.from(await client.raw(reader, ok)).toString(), "old");
  assert.equal((await client.raw(reader, ok)).length, 0);
  assert.deepEqual(await client.get("j/x"), [text("new")]);
});

test("appends to one file at once lose no value", async (t) => {
  const { client } = await filesystemOpened(t);
  await client.putJob("j");
  const first = { block_size: "1", block_id: "map_0", ...database };
  const inserted = { block_id: "map_0", state: "ADDED", phase: "map", slices_id: ["j/s0"] };
  await client.twoSteps("INSERTBLOCK", database, inserted);
  const append = (value: bigint) =>
    client.twoSteps("APPENDBLOCK", first, { data_urls: ["j/m"], pairs: [["k", [value]]] });
  await Promise.all(Array.from({ length: 12 }, (_, index) => append(BigInt(index))));
  const values = async () => {
    const pickle = readPickle(Buffer.concat(await client.get("j/m")));
    return (pickle as { items: readonly [string, readonly bigint[]] }).items[1];
  };
  await until(async () => (await values()).length === 12);
  assert.deepEqual(
    [...(await values())].map(Number).sort((a, b) => a - b),
    [...Array(12).keys()],
  );
  await until(async () => (await blockState(client)) === "DONE");
});

/** The state of a block of job j. */
async function blockState(client: Client, block = "map_0"): Promise<string | undefined> {
  const wanted = { table: "block", filters: [["block_id", block]] };
  const { payload } = await client.twoSteps("GETROWS", database, wanted);
  return (payload.get("rows") as ReadonlyArray<ReadonlyMap<string, string>>)[0]?.get("state");
}

test("a block whose pairs cannot be written does not stay WRITING", async (t) => {
  const { client } = await filesystemOpened(t, { limits: { silenceMs: 60_000, mergeMs: 50 } });
  await client.putJob("j");
  const first = { block_size: "1", block_id: "map_0", ...database };
  const inserted = { block_id: "map_0", state: "ADDED", phase: "map", slices_id: ["j/s0"] };
  await client.twoSteps("INSERTBLOCK", database, inserted);
  // Locked, until it is written.
  const writer = await client.begin("PUTDATA", { file_url: "j/m", byte: true });
  const append = () =>
    client.twoSteps("APPENDBLOCK", first, { data_urls: ["j/m"], pairs: [["k", [1n]]] });
  assert.equal((await append()).name, "OK");
  await until(async () => (await blockState(client)) === "SUBMITTED");
  await client.raw(writer, writePickle(new PyTuple(["k", []])));
  await client.raw(writer, text(""));
  assert.equal((await append()).name, "OK");
  await until(async () => (await blockState(client)) === "DONE");
});

test("a block of several messages is DONE after all, and never given out in between", async (t) => {
  const limits = { appendMs: 60_000, silenceMs: 60_000, mergeMs: 50 };
  const failed = Promise.withResolvers<string>();
  const onNews = failed.resolve;
  const { client, cluster } = await filesystemOpened(t, { limits, onNews });
  await client.putJob("j");
  const inserted = { block_id: "map_0", state: "ADDED", phase: "map", slices_id: ["j/s0"] };
  await client.twoSteps("INSERTBLOCK", database, inserted);
  const begin = () =>
    client.begin("APPENDBLOCK", { block_size: 2n, block_id: "map_0", ...database });
  const append = (port: number, file: string, value: bigint) =>
    client.call("APPENDBLOCK", { data_urls: [file], pairs: [["k", [value]]] }, port);
  const values = async (from: Client, file: string) => {
    const pickle = readPickle(Buffer.concat(await from.get(file)));
    return (pickle as PyTuple).items[1];
  };
  const whole = await begin();
  await append(whole, "j/a", 1n);
  assert.equal(await blockState(client), "WRITING");
  await append(whole, "j/b", 2n);
  await until(async () => (await blockState(client)) === "DONE");
  // Locked: what is acknowledged cannot be merged, and half of the block is merged already.
  await client.begin("PUTDATA", { file_url: "j/d", byte: true });
  const half = await begin();
  await append(half, "j/c", 3n);
  await append(half, "j/d", 4n);
  assert.match(await failed.promise, /j\/d/);
  assert.equal(await blockState(client), "WRITING");
  await cluster.coordinator.close();
  const { client: next } = await filesystemOpened(t, {}, cluster.dataDir);
  assert.equal(await blockState(next), "DONE");
  assert.deepEqual([await values(next, "j/c"), await values(next, "j/d")], [[3n], [4n]]);
});

test("an executor that dies between two messages leaves nothing of its block", async (t) => {
  const limits = { appendMs: 1_000, silenceMs: 60_000 };
  const { client } = await filesystemOpened(t, { limits });
  await client.putJob("j");
  for (const block_id of ["map_0", "map_1"]) {
    const inserted = { block_id, state: "ADDED", phase: "map", slices_id: [`j/${block_id}`] };
    await client.twoSteps("INSERTBLOCK", database, inserted);
  }
  const begin = (block_id: string, block_size: bigint) =>
    client.begin("APPENDBLOCK", { block_size, block_id, ...database });
  const append = async (port: number, files: readonly string[], value: bigint) => {
    const pairs = files.map((file) => [file, [value]] as const);
    const { name } = await client.call("APPENDBLOCK", { data_urls: files, pairs }, port);
    assert.equal(name, "OK");
  };
  const values = async (file: string) => {
    const pickle = readPickle(Buffer.concat(await client.get(file)));
    return (pickle as PyTuple).items[1];
  };
  const dying = await begin("map_0", 3n);
  for (const file of ["j/a", "j/b"]) await append(dying, [file], 1n);
  assert.equal(await blockState(client), "WRITING");
  // Another executor's block goes on meanwhile.
  await append(await begin("map_1", 1n), ["j/a"], 2n);
  await until(async () => (await blockState(client, "map_1")) === "DONE");
  await until(async () => (await blockState(client)) === "SUBMITTED");
  assert.deepEqual(await values("j/a"), [2n]);
  // The tracker gives it to another: all of it counts, once, also when a dead one is still awaited.
  const again = await begin("map_0", 3n);
  for (const file of ["j/a", "j/b"]) await append(again, [file], 1n);
  await append(await begin("map_0", 2n), ["j/a", "j/b"], 3n);
  await until(async () => (await blockState(client)) === "DONE");
  assert.deepEqual([await values("j/a"), await values("j/b")], [[2n, 3n], [3n]]);
});

test("a file system that ends between two messages of a block leaves nothing of it", async (t) => {
  const { client, cluster } = await filesystemOpened(t, { limits: { appendMs: 60_000 } });
  await client.putJob("j");
  for (const [block_id, files] of [
    ["map_0", ["j/a", "j/b"]],
    ["map_1", ["j/c"]],
  ] as const) {
    const inserted = { block_id, state: "ADDED", phase: "map", slices_id: [`j/${block_id}`] };
    await client.twoSteps("INSERTBLOCK", database, inserted);
    const first = { block_size: 3n, block_id, ...database };
    const port = await client.begin("APPENDBLOCK", first);
    for (const file of files) {
      const part = { data_urls: [file], pairs: [["k", [1n]]] };
      assert.equal((await client.call("APPENDBLOCK", part, port)).name, "OK");
    }
    assert.equal(await blockState(client, block_id), "WRITING");
  }
  await cluster.coordinator.close();
  const { client: next } = await filesystemOpened(t, {}, cluster.dataDir);
  assert.equal(await blockState(next), "SUBMITTED");
  for (const file of ["j/a", "j/b"]) await assert.rejects(next.get(file), /does not exist/);
  // It was acknowledged, and its executor has sent all that it sends.
  assert.equal(await blockState(next, "map_1"), "DONE");
  await next.get("j/c");
});

test("one message is a whole block, whatever its executor takes for the size", async (t) => {
  const { client } = await filesystemOpened(t, { limits: { appendMs: 100 } });
  await client.putJob("j");
  const inserted = { block_id: "map_0", state: "ADDED", phase: "map", slices_id: ["j/s0"] };
  await client.twoSteps("INSERTBLOCK", database, inserted);
  const first = { block_size: 4_096n, block_id: "map_0", ...database };
  const whole = { data_urls: ["j/a"], pairs: [["k", [1n]]] };
  assert.equal((await client.twoSteps("APPENDBLOCK", first, whole)).name, "OK");
  await until(async () => (await blockState(client)) === "DONE");
  await client.get("j/a");
});

test("discovery answers only its request, and can be sent", async (t) => {
  const { client, discoveryPort } = await filesystemOpened(t);
  const at = { hosts: ["127.0.0.1"], port: discoveryPort };
  const expected = [{ host: "127.0.0.1", port: client.port }];
  assert.deepEqual(await askAround({ ...at, answersMax: 1, quietMs: 5_000 }), expected);
  if (process.platform !== "linux") return t.diagnostic("broadcast within loopback: Linux only");
  const all = { hosts: ["127.255.255.255"], port: discoveryPort };
  assert.deepEqual(await askAround({ ...all, answersMax: 1, quietMs: 5_000 }), expected);
});

test("files are served to peers no further than the coordinator listens", async (t) => {
  const { client, cluster } = await filesystemOpened(t, { host: "0.0.0.0" });
  await client.put("j/x", [text("a")]);
  const answer = await (await cluster.call("GET", "/v1/members")).text();
  const addresses = [...answer.matchAll(/"address":"([^"]*):\d+"/g)].map(([, host]) => host);
  assert.deepEqual(addresses, ["127.0.0.1"], answer);
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  await polled(holds, (is) => is);
}
