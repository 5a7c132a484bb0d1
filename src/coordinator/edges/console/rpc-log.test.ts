/** Operations sent to a log service over ONC-RPC: found through a scripted portmapper, and through
 *  rpcbind where that is installed; operations never wait for it. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { waitMaxMs } from "../../../store/testing/patience.ts";
import { RpcLog } from "./rpc-log.ts";
import { rawServer } from "./testing/raw.ts";
import { rpcService, stringsOf, words } from "./testing/rpc-service.ts";

const dateTime = "21/11/2026 02:15:45";
const logged = (user: string) => ({ user, operation: "REGISTER", file: "", dateTime });

/** What was sent, and a wait for this many. */
function told() {
  const calls: string[][] = [];
  const heard = new EventTarget();
  return {
    calls,
    take: (args: Buffer) => {
      calls.push(stringsOf(args));
      heard.dispatchEvent(new Event("call"));
      return 0;
    },
    async count(wanted: number) {
      while (calls.length < wanted) await once(heard, "call");
    },
  };
}

async function portmapper(t: TestContext, portNow: () => number) {
  const asked: Buffer[] = [];
  const service = await rpcService(t, ({ args }) => {
    asked.push(args);
    return portNow();
  });
  return { ...service, asked };
}

test("every operation of the console is sent, in order, with its date-time and file", async (t) => {
  const { calls, take, count } = told();
  const service = await rpcService(t, ({ args }) => take(args));
  const mapper = await portmapper(t, () => service.port);
  const logRpc = { host: "127.0.0.1", port: mapper.port };
  const server = await rawServer(t, { logRpc });
  await server.code("REGISTER", dateTime, "ana");
  await server.code("CONNECT", "ana", "33067");
  await server.code("PUBLISH", dateTime, "ana", "/año.txt", "d");
  await server.say("LIST_USERS", dateTime, "ana");
  await count(4);
  assert.deepEqual(calls, [
    ["ana", "REGISTER", "", dateTime],
    ["ana", "CONNECT", "", ""],
    ["ana", "PUBLISH", "/año.txt", dateTime],
    ["ana", "LIST_USERS", "", dateTime],
  ]);
  assert.deepEqual(mapper.asked[0], words(495_775, 1, 6, 0));
});

test("a service that is silent, gone or not registered delays no operation", async (t) => {
  const silent = await rpcService(t, () => null);
  const news: string[] = [];
  for (const port of [silent.port, 1]) {
    const logRpc = { host: "127.0.0.1", port };
    const server = await rawServer(t, { logRpc, onNews: (text) => news.push(text) });
    for (const user of ["ana", "eva", "bob"]) assert.equal(await server.code("REGISTER", user), 0);
    await server.stop();
  }
  assert.match(news[0] ?? "", /127\.0\.0\.1 does not receive operations: .*nothing listens/);
});

test("the queue is bounded; dropped operations are reported once it resumes", async (t) => {
  const { calls, take, count } = told();
  const service = await rpcService(t, ({ args }) => take(args));
  let port = 0;
  const mapper = await portmapper(t, () => port);
  const news: string[] = [];
  const heard = new EventTarget();
  const log = new RpcLog({
    host: "127.0.0.1",
    port: mapper.port,
    limits: { waitingMax: 3, retryMs: 10 },
    onNews: (text) => {
      news.push(text);
      heard.dispatchEvent(new Event("news"));
    },
  });
  t.after(() => log.close());
  for (let n = 0; n < 10; n += 1) log.add(logged(`user-${n}`));
  while (news.length < 1) await once(heard, "news");
  assert.match(news[0]!, /program 495775 is not registered/);
  port = service.port;
  await count(3);
  while (news.length < 2) await once(heard, "news");
  assert.deepEqual(
    calls.map(([user]) => user),
    ["user-0", "user-1", "user-2"],
  );
  assert.match(news[1]!, /receives operations again, 7 operations were not sent/);
});

test("a service that restarts on another port is found again, nothing is sent twice", async (t) => {
  const { calls, take, count } = told();
  const first = await rpcService(t, ({ args }) => take(args));
  let port = first.port;
  const mapper = await portmapper(t, () => port);
  const limits = { retryMs: 10 };
  const log = new RpcLog({ host: "127.0.0.1", port: mapper.port, limits, onNews() {} });
  t.after(() => log.close());
  log.add(logged("ana"));
  await count(1);
  await first.close();
  port = (await rpcService(t, ({ args }) => take(args))).port;
  log.add(logged("eva"));
  await count(2);
  assert.deepEqual(
    calls.map(([user]) => user),
    ["ana", "eva"],
  );
});

const rpcbind = ["/usr/sbin/rpcbind", "/sbin/rpcbind"].find((path) => existsSync(path));

/** rpcbind has port 111 only, so it gets a network of its own, which only root may make. */
const aloneWith = ["unshare", "--net", "--mount"] as const;
const canBeAlone = spawnSync(aloneWith[0], [...aloneWith.slice(1), "true"]).status === 0;

function whyNoRpcbind(): string | false {
  if (rpcbind === undefined) return "rpcbind is not installed (Debian: apt install rpcbind)";
  if (spawnSync("ip", ["-V"]).error !== undefined) return "there is no `ip` to make a network with";
  return canBeAlone ? false : "this machine cannot make a network namespace for rpcbind";
}

test("with rpcbind of Debian: a service that registers there is found", {
  skip: whyNoRpcbind(),
}, async (t) => {
  const program = fileURLToPath(new URL("testing/rpcbind-try.ts", import.meta.url));
  // rpcbind needs a directory of its own under /run.
  const script =
    "mount -t tmpfs none /run && mkdir -p /run/rpcbind && ip link set lo up && " +
    `{ "$0" -f -i & bind=$!; "$1" "$2"; code=$?; kill $bind; exit $code; }`;
  const args = [...aloneWith.slice(1), "sh", "-c", script, rpcbind!, process.execPath, program];
  const child = spawn(aloneWith[0], args, { stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  const [code, said] = await ended(child);
  assert.equal(code, 0, said);
  assert.match(said, /arrived: ana REGISTER {2}21\/11\/2026 02:15:45/);
});

async function ended(child: ChildProcess): Promise<[number | null, string]> {
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (said += text));
  const limit = setTimeout(() => child.kill("SIGKILL"), waitMaxMs);
  const [code] = await once(child, "close");
  clearTimeout(limit);
  return [code as number | null, said];
}
