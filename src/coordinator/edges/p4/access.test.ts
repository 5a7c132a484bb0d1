/** Which callers may make which call: every role and state of a token × every call, against a
 *  hand-written table. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { may, type Role, roles } from "../../../core/access/roles.ts";
import { mintToken } from "../../access/tokens.ts";
import { p4Opened } from "../../members/testing/p4-client.ts";
import { p4Routes } from "./calls.ts";

const sharing: Readonly<Record<Role, { share: boolean; fetch: boolean }>> = {
  admin: { share: true, fetch: true },
  submitter: { share: true, fetch: true },
  worker: { share: true, fetch: true },
  volunteer: { share: false, fetch: false },
  reader: { share: false, fetch: true },
};

test("the roles that share and fetch are those of the hand-written table", () => {
  for (const role of roles) {
    assert.equal(may(role, "share"), sharing[role].share, role);
    assert.equal(may(role, "fetch-shared"), sharing[role].fetch, role);
  }
});

/** Statuses by the caller's credential. peer: the token of a peer · stranger: an unknown token. */
const byCaller: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "/unregister": { peer: 200, stranger: 404, bearer: 400, nothing: 400 },
  "/heartbeat": { peer: 200, stranger: 404, bearer: 400, nothing: 400 },
  "/add_file": { peer: 200, stranger: 404, bearer: 400, nothing: 400 },
  "/remove_file": { peer: 200, stranger: 404, bearer: 400, nothing: 400 },
  "/files": { peer: 200, stranger: 404, bearer: 400, nothing: 400 },
  "/get_files": { peer: 200, stranger: 404, bearer: 200, nothing: 400 },
  "/get_file": { peer: 200, stranger: 401, bearer: 200, nothing: 400 },
  "/redeem": { peer: 401, stranger: 401, bearer: 400, nothing: 400 },
  "/get_many": { peer: 200, stranger: 401, bearer: 200, nothing: 400 },
  "/redeem_many": { peer: 200, stranger: 401, bearer: 400, nothing: 400 },
};

test("every call admits exactly the callers that it should", async (t) => {
  const { cluster, own } = await p4Opened(t);
  const paths = p4Routes.map(({ path }) => path).filter((path) => path !== "/register");
  assert.deepEqual(Object.keys(byCaller).sort(), paths.sort());
  const other = await own.peer("other");
  await own.post("/add_file", { token: other, file_name: "x" });
  const { token: submitter } = await cluster.token("submitter", "ann");
  const many = { file_names: ["x"], tickets: ["t"] };
  const rest = { file_name: "x", files: ["x"], ticket: "t", ...many };
  for (const [path, statuses] of Object.entries(byCaller)) {
    for (const [caller, status] of Object.entries(statuses)) {
      const name = `${path} ${caller}`;
      const token = caller === "peer" ? await own.peer(name) : undefined;
      if (token !== undefined) await own.post("/add_file", { token, file_name: "x" });
      const stranger = caller === "stranger" ? { token: submitter } : {};
      const headers = caller === "bearer" ? { Authorization: `Bearer ${submitter}` } : {};
      const body = { ...rest, ...(token === undefined ? stranger : { token }) };
      const said = await own.ask("POST", path, body, { headers });
      assert.equal(said.status, status, `${name}: ${said.text}`);
    }
  }
  const { json } = await own.post("/get_files", { token: other });
  assert.deepEqual(json, { files: ["x"] }, "no caller has changed what belongs to another");
});

test("a peer stays when the join token that admitted it is spent", async (t) => {
  const { cluster, main } = await p4Opened(t, { genericToken: null });
  const { id, token: join } = await cluster.token("worker", "will", { usesMax: 1 });
  const token = await main.peer("a", { genericToken: join });
  await cluster.coordinator.post({ kind: "token-used", id });
  assert.equal(await main.peer("a", { genericToken: join, token, port: 9 }), token);
  const body = { client_id: "b", ip: "", port: 1, genericToken: join };
  assert.equal((await main.post("/register", body)).status, 401);
  await cluster.call("DELETE", `/v1/tokens/${id}`);
  const again = { ...body, client_id: "a", token };
  assert.equal((await main.post("/register", again)).status, 401, "a revoked token ends the peer");
});

test("cluster tokens of every role and state, as generic token and as bearer", async (t) => {
  const { cluster, main } = await p4Opened(t, { genericToken: null });
  const owner = await main.peer("owner", { genericToken: cluster.coordinator.adminToken });
  await main.post("/add_file", { token: owner, file_name: "x" });
  let number = 0;
  const statusesOf = async (token: string) => {
    const client_id = `p${number++}`;
    const register = { client_id, ip: "127.0.0.1", port: 1, genericToken: token };
    const headers = { Authorization: `Bearer ${token}` };
    return [
      (await main.post("/register", register)).status,
      (await main.ask("GET", "/get_files", {}, { headers })).status,
      (await main.ask("GET", "/get_file", { file_name: "x" }, { headers })).status,
      (await main.ask("POST", "/get_many", { file_names: ["x"] }, { headers })).status,
    ];
  };
  for (const role of roles) {
    const { token } = await cluster.token(role, "ann");
    const { fetch, share } = sharing[role];
    const wanted = [share, fetch, fetch, fetch].map((isAdmitted) => (isAdmitted ? 200 : 403));
    assert.deepEqual(await statusesOf(token), wanted, role);
  }
  const revoked = await cluster.token("admin", "eve");
  await cluster.call("DELETE", `/v1/tokens/${revoked.id}`);
  assert.deepEqual(await statusesOf(revoked.token), [401, 401, 401, 401], "revoked");
  const expired = await cluster.token("submitter", "eve", { ttlMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(await statusesOf(expired.token), [401, 401, 401, 401], "expired");
  assert.deepEqual(await statusesOf(mintToken("admin").token), [401, 401, 401, 401], "forged");
  assert.deepEqual(await statusesOf("secret"), [401, 401, 401, 401], "no token at all");
});
