/** Every row of the control channel as existing implementations have it: codes and bodies, GET and
 *  POST, on its own port and below the main one. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { temporaryDir } from "../../../store/testing/at-end.ts";
import { type P4Client, p4Opened, type Said } from "../../members/testing/p4-client.ts";

const tokenPattern = /^[0-9a-f]{64}$/;
const noToken = "0".repeat(64);

function says(said: Said, status: number, message: string): void {
  assert.deepEqual([said.status, said.json], [status, { message }]);
  assert.equal(said.headers["content-type"], "application/json");
}

for (const port of ["own", "main"] as const) {
  test(`every row of the table of existing implementations, on the ${port} port`, async (t) => {
    const client = (await p4Opened(t))[port];
    await registrations(client);
    const token = await client.peer("b");
    await filesOf(client, token);
    for (const method of ["GET", "POST"]) await lookups(client, method, token);
    says(await client.post("/unregister", {}), 400, "Invalid request");
    says(await client.post("/unregister", { token: noToken }), 404, "Peer not found");
    says(await client.post("/unregister", { token }), 200, "Peer unregistered");
    says(await client.post("/unregister", { token }), 404, "Peer not found");
  });
}

async function registrations(client: P4Client): Promise<void> {
  const body = { client_id: "a", ip: "127.0.0.1", port: 8001, genericToken: "secret" };
  for (const field of Object.keys(body)) {
    for (const wrong of [{ [field]: undefined }, { [field]: null }]) {
      const said = await client.post("/register", { ...body, ...wrong });
      says(said, 400, "Invalid request");
    }
  }
  // Fields before the token.
  const both = { ...body, genericToken: "wrong" };
  says(await client.post("/register", { ...both, ip: null }), 400, "Invalid request");
  says(await client.post("/register", both), 401, "Invalid token");
  const first = await client.post("/register", body);
  assert.equal(first.status, 200);
  assert.deepEqual(Object.keys(first.json), ["token"]);
  assert.match(String(first.json.token), tokenPattern);
  says(await client.post("/register", body), 400, "Peer already registered");
  const left = await client.post("/unregister", { token: first.json.token });
  says(left, 200, "Peer unregistered");
}

async function filesOf(client: P4Client, token: string): Promise<void> {
  const body = { token, file_name: "dir/b file.txt" };
  for (const field of Object.keys(body)) {
    says(await client.post("/add_file", { ...body, [field]: null }), 400, "Invalid request");
  }
  says(await client.post("/add_file", { ...body, token: noToken }), 404, "Peer not found");
  says(await client.post("/add_file", body), 200, "File added");
  // Existing peers offer the same again after they restart.
  says(await client.post("/add_file", body), 200, "File added");
  says(await client.post("/add_file", { token, file_name: "a.txt" }), 200, "File added");
}

async function lookups(client: P4Client, method: string, token: string): Promise<void> {
  const ask = (path: string, body: unknown) => client.ask(method, path, body);
  says(await ask("/get_files", {}), 400, "Invalid request");
  says(await ask("/get_files", undefined), 400, "Invalid request");
  says(await ask("/get_files", { token: noToken }), 404, "Peer not found");
  const listed = await ask("/get_files", { token });
  assert.deepEqual([listed.status, listed.json], [200, { files: ["a.txt", "dir/b file.txt"] }]);
  const wanted = { token, file_name: "dir/b file.txt" };
  for (const field of Object.keys(wanted)) {
    says(await ask("/get_file", { ...wanted, [field]: null }), 400, "Invalid request");
  }
  says(await ask("/get_file", { ...wanted, token: noToken }), 401, "Peer not found");
  says(await ask("/get_file", { token, file_name: "c.txt" }), 404, "File not found");
  const found = await ask("/get_file", wanted);
  assert.equal(found.status, 200);
  assert.equal(found.json.file_address, "grpc://127.0.0.1:8001/dir/b file.txt");
}

test("several owners: the first one answers, and the next one when it has gone", async (t) => {
  const { own } = await p4Opened(t);
  const [a, b] = [await own.peer("a", { port: 1 }), await own.peer("b", { port: 2 })];
  for (const token of [b, a]) await own.post("/add_file", { token, file_name: "x" });
  const address = async () => {
    const { json } = await own.post("/get_file", { token: a, file_name: "x" });
    return [json.file_address, (json.sources as unknown[]).length];
  };
  assert.deepEqual(await address(), ["grpc://127.0.0.1:2/x", 2]);
  await own.post("/unregister", { token: b });
  assert.deepEqual(await address(), ["grpc://127.0.0.1:1/x", 1]);
});

test("unregistering removes all files of a peer, and only its own", async (t) => {
  const { own } = await p4Opened(t);
  const [a, b] = [await own.peer("a"), await own.peer("b")];
  for (const name of ["file1", "file2", "file3", "file4"]) {
    await own.post("/add_file", { token: a, file_name: name });
  }
  await own.post("/add_file", { token: b, file_name: "file2" });
  await own.post("/unregister", { token: a });
  assert.deepEqual((await own.post("/get_files", { token: b })).json, { files: ["file2"] });
});

test("a peer that names the server's address, a host name or nothing still works", async (t) => {
  const { own } = await p4Opened(t);
  const places = [
    ["127.0.0.1", "127.0.0.1"],
    ["localhost", "localhost"],
    ["10.1.2.3", "127.0.0.1"],
    ["some-other-host", "127.0.0.1"],
    ["", "127.0.0.1"],
    ["169.254.169.254", "127.0.0.1"],
  ];
  for (const [index, [ip, recorded]] of places.entries()) {
    const token = await own.peer(`p${index}`, { ip, port: 9_000 + index });
    await own.post("/add_file", { token, file_name: `f${index}` });
    const { json } = await own.ask("GET", "/get_file", { token, file_name: `f${index}` });
    assert.equal(json.file_address, `grpc://${recorded}:${9_000 + index}/f${index}`);
  }
});

test("a master that trusts addresses records what peers behind its proxy say", async (t) => {
  const { own } = await p4Opened(t, { trustAddresses: true });
  const token = await own.peer("a", { ip: "peer.example.org" });
  await own.post("/add_file", { token, file_name: "x" });
  const { json } = await own.post("/get_file", { token, file_name: "x" });
  assert.equal(json.file_address, "grpc://peer.example.org:8001/x");
});

test("hierarchical lists replace what a peer offers, and are read back as a tree", async (t) => {
  const { own } = await p4Opened(t);
  const token = await own.peer("a");
  await own.post("/add_file", { token, file_name: "gone" });
  const root = "ab".repeat(32);
  const files = { docs: { "a.txt": null, deep: { "b.txt": { root, size_bytes: 7 } } } };
  says(await own.post("/files", { token, files }), 200, "Files listed");
  const { json } = await own.ask("GET", "/get_files", { token, tree: true });
  assert.deepEqual(json, {
    files: ["docs/a.txt", "docs/deep/b.txt"],
    tree: {
      docs: { "a.txt": null, deep: { "b.txt": { root, size_bytes: 7, description: "" } } },
    },
  });
  const found = await own.post("/get_file", { token, root });
  assert.deepEqual(
    [found.json.file_name, found.json.root, found.json.size_bytes],
    ["docs/deep/b.txt", root, 7],
  );
  says(await own.post("/remove_file", { token, file_name: "docs/a.txt" }), 200, "File removed");
  says(await own.post("/remove_file", { token, file_name: "docs/a.txt" }), 404, "File not found");
  for (const wrong of ["a", 7, null, undefined]) {
    says(await own.post("/files", { token, files: wrong }), 400, "Invalid request");
  }
  says(await own.post("/files", { token: noToken, files }), 404, "Peer not found");
});

test("a listing is what is offered at that moment, whatever was listed before", async (t) => {
  const { own } = await p4Opened(t);
  const token = await own.peer("a");
  const root = "ab".repeat(32);
  const ask = async (tree: boolean) => (await own.post("/get_files", { token, tree })).json;
  for (const tree of [false, true]) assert.deepEqual((await ask(tree)).files, []);
  await own.post("/add_file", { token, file_name: "x" });
  for (const tree of [false, true]) assert.deepEqual((await ask(tree)).files, ["x"]);
  await own.post("/add_file", { token, file_name: "x", root });
  const details = { root, size_bytes: null, description: "" };
  assert.deepEqual((await ask(true)).tree, { x: details });
  assert.equal((await ask(false)).tree, undefined);
});

test("a heartbeat returns the TTL; registering again with the token keeps it", async (t) => {
  const { own } = await p4Opened(t, { ttlMs: 7_000 });
  const first = await own.peer("a");
  const said = await own.post("/heartbeat", { token: first });
  assert.deepEqual(said.json, { message: "Peer available", ttl_s: 7 });
  await own.post("/add_file", { token: first, file_name: "x" });
  assert.equal(await own.peer("a", { token: first, port: 9, ttl_s: 60 }), first);
  const again = await own.post("/heartbeat", { token: first });
  assert.deepEqual(again.json, { message: "Peer available", ttl_s: 60 });
  const { json } = await own.post("/get_file", { token: first, file_name: "x" });
  assert.equal(json.file_address, "grpc://127.0.0.1:9/x");
  // An unknown token does not help with a name that is taken.
  const body = { client_id: "a", ip: "", port: 1, genericToken: "secret", token: noToken };
  says(await own.post("/register", body), 400, "Peer already registered");
  says(await own.post("/heartbeat", { token: noToken }), 404, "Peer not found");
  says(await own.post("/heartbeat", {}), 400, "Invalid request");
});

test("a peer that was killed takes its own place again, and no other peer can", async (t) => {
  const { own } = await p4Opened(t);
  const serving = createServer().listen(0, "127.0.0.1");
  t.after(() => serving.close());
  await once(serving, "listening");
  const { port } = serving.address() as AddressInfo;
  const body = { client_id: "a", ip: "127.0.0.1", port, genericToken: "secret" };
  const first = String((await own.post("/register", body)).json.token);
  await own.post("/add_file", { token: first, file_name: "x" });
  says(await own.post("/register", body), 400, "Peer already registered");
  await new Promise((closed) => serving.close(closed));
  says(await own.post("/register", { ...body, port: port - 1 }), 400, "Peer already registered");
  const both = await Promise.all([own.post("/register", body), own.post("/register", body)]);
  assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 400], "one takes its place");
  const token = both.find(({ status }) => status === 200)?.json.token;
  says(await own.post("/heartbeat", { token: first }), 404, "Peer not found");
  assert.deepEqual((await own.post("/get_files", { token })).json, { files: [] });
});

test("a source is named with the certificate that it registered, or without one", async (t) => {
  const dataDir = temporaryDir(t);
  const fingerprint = "0a".repeat(32);
  const sources = async (own: P4Client, token: string) => {
    const { json } = await own.post("/get_file", { token, file_name: "x" });
    return (json.sources as object[]).map((source) => ({ ...source, ticket: "" }));
  };
  const wanted = (peer: string, port: number) => {
    return { peer, address: `grpc://127.0.0.1:${port}/x`, file_name: "x", ticket: "" };
  };
  const first = await p4Opened(t, {}, dataDir);
  const token = await first.own.peer("new", { port: 8001, fingerprint });
  await first.own.post("/add_file", { token, file_name: "x" });
  const old = await first.own.peer("old", { port: 8002 });
  await first.own.post("/add_file", { token: old, file_name: "x" });
  for (const wrong of ["", "0A".repeat(32), "0a", 7]) {
    const body = { client_id: "c", ip: "", port: 1, genericToken: "secret", fingerprint: wrong };
    says(await first.own.post("/register", body), 400, "Invalid request");
  }
  await first.cluster.coordinator.close();
  const { own } = await p4Opened(t, {}, dataDir);
  assert.deepEqual(await sources(own, old), [
    { ...wanted("new", 8001), fingerprint },
    wanted("old", 8002),
  ]);
  await own.peer("new", { token, port: 8001 });
  assert.deepEqual(await sources(own, old), [wanted("new", 8001), wanted("old", 8002)]);
});

test("F7: names that cannot be shown, and lists above a limit, are refused as such", async (t) => {
  const { own } = await p4Opened(t);
  const token = await own.peer("a");
  const named = await own.post("/add_file", { token, file_name: "a\u001b[2J" });
  assert.equal(named.status, 400);
  const deep = `{"token":"${token}","files":${'{"a":'.repeat(10_000)}{}${"}".repeat(10_001)}`;
  assert.equal((await own.ask("POST", "/files", null, { raw: deep })).status, 400);
  const files = Array.from({ length: 200_001 }, (_, n) => `${n}`);
  assert.equal((await own.post("/files", { token, files })).status, 413);
});
