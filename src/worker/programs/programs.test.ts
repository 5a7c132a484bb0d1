/** A real worker at an existing manager: WebAssembly modules by address and hash, in the base
 *  protocol alone. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { keccakMultihash } from "../../wire/manager/keccak.ts";
import type { TaskExecute, TaskStatus } from "../../wire/manager/messages.ts";
import { type ManagerEnd, ScriptedManager } from "../testing/scripted-manager.ts";
import { started } from "../testing/started.ts";
import { parseProgramAddress } from "./address.ts";

const primes = readFileSync(
  join(import.meta.dirname, "../../../examples/count-primes/primes.wasm"),
);
/** `run() -> i64` with this body, and a memory. */
const withBody = (hex: string) =>
  Buffer.from(
    `0061736d01000000010501600001${"7e"}0302010005030100010710020${"66d656d6f7279"}02000372756e` +
      `00000a${byte(hex.length / 2 + 2)}01${byte(hex.length / 2)}${hex}`,
    "hex",
  );
const byte = (value: number) => value.toString(16).padStart(2, "0");
/** Answers -1; loops for ever. */
const fails = withBody("00427f0b");
const loops = withBody("0003400c000b000b");

async function atExistingManager(t: TestContext, slots = 1) {
  const manager = await ScriptedManager.start(t, null);
  const worker = await started(t, manager, { slots });
  const { end } = await manager.joined();
  const offer = (module: Uint8Array, name = "program") => {
    manager.programs.set(`/${name}`, module);
    return {
      programAddresses: [`${manager.url}/${name}`],
      programHash: keccakMultihash(module),
    };
  };
  return { end, manager, offer, worker };
}

function task(id: number, over: Partial<TaskExecute>): TaskExecute {
  return {
    // No layout of ours: 1b 20 and 32 bytes.
    taskId: Uint8Array.from({ length: 34 }, (_, i) => [0x1b, 0x20][i] ?? id),
    programAddresses: [],
    programHash: new Uint8Array(0),
    programKind: 0,
    argument: new Uint8Array(0),
    timeoutS: 0,
    networkUsageMax: 0,
    timeoutMs: 0,
    ...over,
  };
}

const text = (argument: string) => ({ argument: new TextEncoder().encode(argument) });

/** "7 completed 25" and so on, of the next statuses. */
async function statuses(end: ManagerEnd, count: number): Promise<string[]> {
  const all: string[] = [];
  while (all.length < count) all.push(shown((await end.told("taskStatus")).status));
  return all;
}

/** Of tasks that may have been reported as started: one is that takes long to find out that it
 *  cannot run. */
async function endings(end: ManagerEnd, count: number): Promise<string[]> {
  const all: string[] = [];
  while (all.length < count) {
    const [status = ""] = await statuses(end, 1);
    if (!status.endsWith(" started")) all.push(status);
  }
  return all;
}

function shown({ data, taskId }: TaskStatus): string {
  const id = taskId[33];
  if (data.kind === "completed") return `${id} completed ${Buffer.from(data.result)}`;
  return data.kind === "error" ? `${id} ${data.error}` : `${id} ${data.kind}`;
}

async function execute(end: ManagerEnd, ...tasks: TaskExecute[]): Promise<void> {
  assert.equal((await end.ask({ kind: "tasksExecute", tasks })).kind, "ack");
}

async function stateOf(end: ManagerEnd, { taskId }: TaskExecute): Promise<string> {
  const pong = await end.ask({ kind: "tasksPing", taskIds: [taskId] });
  return pong.kind === "tasksPong" ? shown(pong.statuses[0] as TaskStatus) : pong.kind;
}

test("our worker runs the modules of an existing manager, and says so in its words", async (t) => {
  const manager = await ScriptedManager.start(t, null);
  await started(t, manager);
  let kinds: readonly number[] = [];
  manager.override = (message) => {
    if (message.kind === "managerRequest") kinds = message.programKinds;
    return undefined;
  };
  const { end } = await manager.joined();
  assert.equal(kinds[0], 0);
  manager.programs.set("/primes.wasm", primes);
  const program = {
    programAddresses: [`${manager.url}/gone.wasm`, `${manager.url}/primes.wasm`],
    programHash: keccakMultihash(primes),
  };
  const first = task(1, { ...program, ...text("100") });
  const second = task(2, { ...program, ...text("1000") });
  await execute(end, first, second, second);
  const expected = ["1 started", "1 completed 25", "2 started", "2 completed 168"];
  assert.deepEqual(await statuses(end, 4), expected);
  assert.equal(await stateOf(end, first), "1 completed 25");
});

test("T2.2: a task that succeeded is not run again, one that is held runs once", async (t) => {
  const { end, manager, offer } = await atExistingManager(t);
  const good = task(1, { ...offer(primes), ...text("10") });
  const endless = task(2, offer(loops, "loops"));
  await execute(end, good);
  assert.deepEqual(await statuses(end, 2), ["1 started", "1 completed 4"]);
  manager.programs.clear();
  await execute(end, good);
  assert.deepEqual(await statuses(end, 1), ["1 completed 4"]);
  manager.programs.set("/loops", loops);
  await execute(end, endless);
  assert.deepEqual(await statuses(end, 1), ["2 started"]);
  await execute(end, endless);
  assert.equal(await stateOf(end, endless), "2 started");
  // The abort of the one run ends it: nothing else holds the only slot.
  assert.equal((await end.ask({ kind: "tasksAbord", taskIds: [endless.taskId] })).kind, "ack");
  manager.programs.set("/program", primes);
  await execute(end, task(3, { ...offer(primes), ...text("20") }));
  assert.deepEqual(await statuses(end, 2), ["3 started", "3 completed 8"]);
});

test("what fails at our worker fails in the kinds of an existing manager", async (t) => {
  const { end, offer, worker } = await atExistingManager(t);
  await execute(end, task(1, offer(fails, "fails")));
  assert.deepEqual(await statuses(end, 2), ["1 started", "1 runtime"]);
  assert.equal(await stateOf(end, task(1, {})), "1 runtime");
  await execute(end, task(2, { ...offer(loops, "loops"), timeoutS: 1 }));
  assert.deepEqual(await statuses(end, 2), ["2 started", "2 timed-out"]);
  const wrong = { ...offer(primes), programHash: keccakMultihash(Buffer.from("another")) };
  await execute(end, task(3, wrong), task(4, { ...wrong, programAddresses: ["/ipfs/Qm"] }));
  // They are two programs.
  assert.deepEqual((await endings(end, 2)).sort(), ["3 download", "4 download"]);
  await execute(end, task(5, offer(Buffer.from("no module"), "text")));
  assert.deepEqual(await statuses(end, 2), ["5 started", "5 runtime"]);
  // Not offered: given back. Without an address: it cannot be had.
  await execute(end, task(6, { programKind: 7 }), task(7, {}));
  assert.deepEqual(await endings(end, 2), ["6 aborted", "7 download"]);
  await execute(end, task(8, offer(loops, "loops")), task(9, offer(loops, "loops")));
  assert.deepEqual(await statuses(end, 1), ["8 started"]);
  const stopping = worker.stop(0);
  assert.deepEqual((await statuses(end, 2)).sort(), ["8 aborted", "9 aborted"]);
  await end.told("managerBye");
  await stopping;
});

test("an existing manager gets one status at a time, and again until its Ack", async (t) => {
  const { end, manager, offer } = await atExistingManager(t, 2);
  manager.override = ({ kind }) => (kind === "taskStatus" ? null : undefined);
  const program = offer(primes);
  await execute(
    end,
    task(1, { ...program, ...text("10") }),
    task(2, { ...program, ...text("20") }),
  );
  const [first] = await statuses(end, 1);
  assert.match(String(first), /^[12] started$/);
  manager.override = null;
  end.link.close("cut");
  const again = await manager.joined();
  // A task that began late says that, too.
  const ended: string[] = [];
  while (ended.length < 2) {
    const [one = ""] = await statuses(again.end, 1);
    if (!/ started$/.test(one)) ended.push(one);
  }
  assert.deepEqual(ended.sort(), ["1 completed 4", "2 completed 8"]);
});

test("a program is used by its hash alone, from addresses as far inside as its manager", () => {
  const at = (address: string, ipfs = "") => {
    const found = parseProgramAddress(address, ipfs);
    if (typeof found === "string") return found;
    return found.kind === "p4" ? `${found.host} ${found.port} ${found.file}` : found.url.href;
  };
  assert.match(at("/ipfs/QmX"), /--ipfs-gateway/);
  assert.equal(at("/ipfs/QmX", "http://127.0.0.1:8080"), "http://127.0.0.1:8080/ipfs/QmX");
  assert.equal(at("ipfs://bafy/a.wasm", "http://g:1"), "http://g:1/ipfs/bafy/a.wasm");
  assert.equal(at("https://h:7070/programs/j-1/key"), "https://h:7070/programs/j-1/key");
  assert.equal(at("grpc://10.0.0.2:8001/dir/a:b.wasm"), "10.0.0.2 8001 dir/a:b.wasm");
  for (const no of ["file:///etc/hosts", "/etc/hosts", "grpc://h/x", "data:,x", "http://["]) {
    assert.match(at(no), /is no http, https, \/ipfs\/ or grpc address/);
  }
});
