/** Modules as existing workers are sent them: by HTTP, and on the operator's IPFS node. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import type { JobId } from "../../../core/ids.ts";
import type { Listen } from "../../../link/listen.ts";
import { dialWebSocket } from "../../../link/websocket.ts";
import { PeerConnection } from "../../../peer/fetch/connection.ts";
import { waitMaxMs } from "../../../store/testing/patience.ts";
import { encodeEnvelope } from "../../../wire/manager/codec.ts";
import type { ManagerMessage, TaskExecute } from "../../../wire/manager/messages.ts";
import { ManagerSession } from "../../../wire/manager/session.ts";
import { parseProgramAddress } from "../../../worker/programs/address.ts";
import { opened } from "../../testing/opened.ts";
import { workerPath } from "../http/upgrade.ts";
import { p4Address } from "./programs.ts";

const module = Buffer.from("a module, as far as the coordinator looks");
const anywhere = { refuse: () => null, refuseClear: () => null };
const limits = { connectMs: waitMaxMs, answerMs: waitMaxMs };
const cid = `Qm${"a".repeat(44)}`;

/** A node of IPFS: takes files by its RPC, as far as this needs it. */
async function ipfs(t: TestContext, answer: (body: string) => [status: number, text: string]) {
  const paths: string[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    paths.push(`${request.method} ${request.url}`);
    const [status, text] = answer(body);
    response.writeHead(status).end(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { api: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths };
}

/** The tasks that an existing worker gets of a job with this module. */
async function tasksSent(
  t: TestContext,
  over: { readonly ipfsApi?: string; readonly p4?: { readonly listen: Listen } },
): Promise<TaskExecute[]> {
  const { ipfsApi } = over;
  const lines: string[] = [];
  const cluster = await opened(t, { ...over, print: (line) => lines.push(line) });
  const token = await cluster.coordinator.joinToken({ ttlMs: 0, usesMax: 0 });
  const headers = { authorization: `Bearer ${token}` };
  const link = await dialWebSocket(new URL(workerPath, cluster.url).href, { headers });
  t.after(() => link.close());
  const session = new ManagerSession({ role: "worker" });
  const executed = new Promise<readonly TaskExecute[]>((resolve) => {
    link.onFrame((frame) => {
      for (const arrival of session.receive(frame)) {
        if (arrival.kind !== "request") continue;
        const { message } = arrival;
        const isType = message.kind === "nodeTypeRequest";
        const type = { kind: "nodeTypeAnswer", nodeType: "worker" } as const;
        link.send(arrival.answer(isType ? type : { kind: "ack" }));
        if (message.kind === "tasksExecute") resolve(message.tasks);
      }
    });
  });
  const say = (message: ManagerMessage) =>
    link.send(encodeEnvelope({ requestId: null, answerTo: null, message }));
  say({ kind: "nodeTypeRequest", nodeType: "worker" });
  const specs = { workerPrice: 1, networkPrice: 1, cpuCount: 2, memoryKb: 1024, networkKbps: 1 };
  say({ kind: "managerRequest", ...specs, programKinds: [0], node: null });
  const spec = await cluster.tasksSpec(1);
  const moduleHash = await cluster.upload(module);
  const job = (await cluster.submit({ ...spec, moduleHash })) as JobId;
  const tasks = await executed;
  const address = String(tasks[0]?.programAddresses.at(-1));
  assert.match(address, new RegExp(`^${cluster.url}/programs/${job}/[0-9a-f]+$`));
  assert.equal(await (await fetch(address)).text(), String(module));
  if (ipfsApi !== undefined && tasks[0]?.programAddresses.length === 1) {
    assert.match(lines.join(), /the IPFS node at .* has not taken a module/);
  }
  return [...tasks];
}

test("with an IPFS node the module's first address is there, its last by HTTP", async (t) => {
  const node = await ipfs(t, (body) => {
    assert.ok(body.includes(String(module)));
    return [200, `${JSON.stringify({ Name: "module.wasm", Hash: cid, Size: "49" })}\n`];
  });
  const [task] = await tasksSent(t, { ipfsApi: node.api });
  assert.equal(task?.programAddresses[0], `/ipfs/${cid}`);
  assert.equal(task?.programAddresses.length, 2);
  assert.equal(Buffer.from(task?.argument ?? []).toString(), "0");
  assert.deepEqual(node.paths, ["POST /api/v0/add?cid-version=0&pin=true"]);
});

test("without an IPFS node, or with one that fails, there is the HTTP address", async (t) => {
  const node = await ipfs(t, () => [500, "no"]);
  for (const over of [{}, { ipfsApi: node.api }]) {
    const [task] = await tasksSent(t, over);
    assert.equal(task?.programAddresses.length, 1);
  }
});

test("with a port for P4 peers a module can be had there, as a file of a peer", async (t) => {
  const [task] = await tasksSent(t, { p4: { listen: { host: "127.0.0.1", port: 0 } } });
  assert.equal(task?.programAddresses.length, 2);
  const address = parseProgramAddress(String(task?.programAddresses[0]), "");
  assert.ok(typeof address !== "string" && address.kind === "p4", String(address));
  const { file, host, port } = address;
  const peer = await PeerConnection.connect({ host, port, fingerprint: "" }, anywhere, limits);
  t.after(() => peer.close());
  const wanted = { credential: "", maxBytes: 1_000, limitMs: waitMaxMs };
  assert.deepEqual(Buffer.from(await peer.getFile(file, wanted)), module);
  for (const other of [`${file}0`, "programs/j-9/ab", "programs/x/y", "module.wasm", ""]) {
    await assert.rejects(peer.getFile(other, wanted), { code: "not-found" });
  }
  // The control channel answers on the same port.
  const answer = await fetch(`http://${host}:${port}/get_peers`, { method: "POST", body: "{}" });
  assert.equal(answer.headers.get("content-type"), "application/json");
});

test("the port for P4 peers is named only to workers that reach it", () => {
  const at = (host: string, base: string) => p4Address("/f", { host, port: 9 }, base);
  assert.deepEqual(at("127.0.0.1", "http://127.0.0.1:7070"), ["grpc://127.0.0.1:9/f"]);
  assert.deepEqual(at("127.0.0.1", "https://10.0.0.2:7070"), []);
  assert.deepEqual(at("0.0.0.0", "https://10.0.0.2:7070"), ["grpc://10.0.0.2:9/f"]);
  assert.deepEqual(at("::", "http://[fd00::2]:7070"), ["grpc://[fd00::2]:9/f"]);
  assert.deepEqual(at("10.0.0.3", "https://10.0.0.2:7070"), ["grpc://10.0.0.3:9/f"]);
});
