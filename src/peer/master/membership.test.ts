/** A peer and its master: what a master's answers mean, and what is registered again after a master
 *  lost its state. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type TestContext, test } from "node:test";
import { MasterCalls } from "./call.ts";
import { Membership } from "./membership.ts";
import { Catalogue } from "./sources.ts";

type Answer = {
  readonly status: number;
  readonly body: object;
  /** Any other is answered 405; left out, all are taken. */
  readonly method?: "GET" | "POST";
};
type Asked = {
  readonly path: string;
  readonly method: string;
  readonly body: Record<string, unknown>;
};

/** A master with scripted answers, which records the requests. */
async function startMaster(t: TestContext, answers: Record<string, Answer>) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      const path = request.url ?? "";
      const { method: verb = "" } = request;
      asked.push({ path, method: verb, body: JSON.parse(text) });
      const unknown: Answer = { status: 404, body: { message: "Not found" } };
      const { status, body, method = verb } = answers[path] ?? unknown;
      if (method !== verb) return response.writeHead(405).end("<title>Method Not Allowed</title>");
      response.writeHead(status).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  t.after(stop);
  const { port } = server.address() as { port: number };
  const calls = new MasterCalls({ url: `http://127.0.0.1:${port}`, fingerprint: "", bearer: null });
  return { answers, asked, calls, stop };
}

const registered = { status: 200, body: { token: "t" } };

function join(calls: MasterCalls, news: string[] = []): Promise<Membership> {
  return Membership.join({
    calls,
    clientId: "ana",
    address: { host: "127.0.0.1", port: 1 },
    fingerprint: "",
    genericToken: "g",
    ttlMs: 60_000,
    tokenBefore: "",
    onToken: () => {},
    onNews: (text) => news.push(text),
  });
}

test("F4: 401 is a refusal; 503, nonsense and silence are UNAVAILABLE", async (t) => {
  const master = await startMaster(t, {
    "/register": registered,
    "/unregister": { status: 200, body: {} },
  });
  const membership = await join(master.calls);
  const redeemed = { file_name: "f", root: null, requester: "bob", expires_in_s: 60 };
  master.answers["/redeem"] = { status: 200, body: redeemed };
  assert.deepEqual(await membership.redeem("x"), { fileName: "f", root: null, requester: "bob" });
  master.answers["/redeem"] = { status: 401, body: { message: "Invalid ticket" } };
  await assert.rejects(membership.redeem("x"), { code: "unauthenticated" });
  for (const status of [500, 502, 503, 429, 404]) {
    master.answers["/redeem"] = { status, body: { message: "No" } };
    await assert.rejects(membership.redeem("x"), { code: "unavailable" }, String(status));
  }
  await assert.rejects(membership.redeemMany(["x"]), { code: "version-mismatch" });
  master.answers["/redeem_many"] = { status: 200, body: { files: [redeemed, null] } };
  const known = { fileName: "f", root: null, requester: "bob" };
  assert.deepEqual(await membership.redeemMany(["x", "y"]), [known, null]);
  master.answers["/redeem_many"] = { status: 503, body: { message: "No" } };
  await assert.rejects(membership.redeemMany(["x"]), { code: "unavailable" });
  await membership.leave();
  master.stop();
  await assert.rejects(membership.redeem("x"), { code: "unavailable" });
});

test("a peer registers again, with its files, at a master that has lost it", async (t) => {
  const master = await startMaster(t, {
    "/register": registered,
    "/files": { status: 200, body: {} },
    "/unregister": { status: 200, body: {} },
    "/redeem": { status: 401, body: { message: "Peer not found" } },
  });
  const news: string[] = [];
  const membership = await join(master.calls, news);
  const file = { name: "a", description: "", root: "ab".repeat(32), sizeBytes: 7 };
  await membership.publish([file]);
  await assert.rejects(membership.redeem("x"), { code: "unavailable" });
  await membership.leave();
  const paths = master.asked.map(({ path }) => path);
  assert.deepEqual(paths, ["/register", "/files", "/redeem", "/register", "/files", "/unregister"]);
  assert.equal(master.asked[3]!.body.token, "t", "as the same peer");
  assert.deepEqual(master.asked[4]!.body.files, [{ name: "a", root: file.root, size_bytes: 7 }]);
  assert.equal(news.length, 1);
});

test("an existing master is sent one name at a time, and one address", async (t) => {
  const master = await startMaster(t, {
    "/register": registered,
    "/add_file": { status: 200, body: { message: "File added" } },
    "/get_files": { status: 200, body: { files: ["a", "dir/b"] } },
    "/get_file": { status: 200, body: { file_address: "grpc://127.0.0.1:8001/dir/b" } },
  });
  const membership = await join(master.calls);
  t.after(() => membership.leave().catch(() => {}));
  const file = { description: "", root: null, sizeBytes: null };
  await membership.publish([
    { ...file, name: "a" },
    { ...file, name: "b" },
  ]);
  const added = master.asked.filter(({ path }) => path === "/add_file");
  assert.deepEqual(
    added.map(({ body }) => body.file_name),
    ["a", "b"],
  );
  const catalogue = new Catalogue(master.calls, "t");
  assert.deepEqual(
    (await catalogue.files()).map(({ name }) => name),
    ["a", "dir/b"],
  );
  const found = await catalogue.find({ file_name: "dir/b" });
  assert.equal(found.root, null);
  const [source] = found.sources;
  assert.deepEqual(source!.address, { host: "127.0.0.1", port: 8001, fingerprint: "" });
  assert.equal(source!.fileName, "dir/b");
  await membership.leave().catch(() => {});
});

test("a master that takes lookups only as GET with a body is asked so from then on", async (t) => {
  const master = await startMaster(t, {
    "/get_files": { status: 200, body: { files: ["a"] }, method: "GET" },
    "/get_file": { status: 404, body: { message: "File not found" }, method: "GET" },
  });
  const catalogue = new Catalogue(master.calls, "t");
  assert.deepEqual(
    (await catalogue.files()).map(({ name }) => name),
    ["a"],
  );
  await assert.rejects(catalogue.find({ file_name: "b" }), { code: "not-found" });
  const calls = master.asked.map(({ method, path, body }) => `${method} ${path} ${body.token}`);
  assert.deepEqual(calls, ["POST /get_files t", "GET /get_files t", "GET /get_file t"]);
});

test("a master that takes lookups neither way does not say that a file is absent", async (t) => {
  const neither = { status: 405, body: {} };
  const master = await startMaster(t, { "/get_file": neither });
  const catalogue = new Catalogue(master.calls, "t");
  await assert.rejects(catalogue.find({ file_name: "a" }), { code: "protocol-violated" });
});
