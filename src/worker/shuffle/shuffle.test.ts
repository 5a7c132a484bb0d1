/** Partitions on their way from the workers that made them to the worker that merges them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { AttemptReport } from "../../core/event.ts";
import { ShuffleClient, type WantedPart } from "../../peer/shuffle/client.ts";
import { type Scope, sourceKey, ticketText } from "../../peer/shuffle/ticket.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import { polled } from "../../store/testing/polled.ts";
import type { StageSources } from "../../wire/manager/messages.ts";
import { exchangeText, parseExchange } from "../../wire/p4/shuffle.ts";
import type { WorkerOptions } from "../node.ts";
import { type ManagerEnd, ScriptedManager } from "../testing/scripted-manager.ts";
import { ref, refs, started, wordCountJob } from "../testing/started.ts";

const text = Array.from({ length: 3_000 }, (_, n) => `one two ${n % 7} näïve 語`).join("\n");
const maps = 4;
const reducers = 3;

type Member = {
  readonly end: ManagerEnd;
  readonly url: string;
  readonly dataDir: string;
  readonly key: string;
};

type Cluster = {
  readonly manager: ScriptedManager;
  readonly members: readonly Member[];
  readonly sources: StageSources;
};

/** Two workers, each with the outputs of two of the four map tasks. */
async function mapped(t: TestContext, over: Partial<WorkerOptions> = {}): Promise<Cluster> {
  const manager = await ScriptedManager.start(t);
  const job = wordCountJob(t, manager, { text, maps, reducers });
  const members: Member[] = [];
  const tasks: Array<readonly [number, number, string]> = [];
  for (const [index, from] of [0, 2].entries()) {
    const { dataDir } = await started(t, manager, over);
    const { end, node } = await manager.joined();
    const key = sourceKey("secret of j-1", `w-${index + 1}`);
    members.push({ end, url: node.exchangeUrl, dataDir, key });
    await end.open({ ...job, exchangeKey: key });
    await end.assign(refs(2, from));
    for (const report of await end.reports(2)) tasks[report.task] = [index, 1, rootOf(report)];
  }
  const urls = members.map(({ url }) => url);
  const tickets = members.map(({ key }) => ticketFor(key));
  return { manager, members, sources: { job: "j-1", stage: 0, urls, tickets, tasks } };
}

const hourMs = 3_600_000;

/** By the clock that the workers are sent with the job. */
function ticketFor(key: string, over: Partial<Scope> = {}): string {
  const scope = { job: "j-1", stage: 0, requester: "w-1", expiresMs: 1_000_000 + hourMs };
  return ticketText(key, { ...scope, ...over });
}

function rootOf(report: AttemptReport): string {
  if (report.kind !== "done") throw new Error(JSON.stringify(report));
  return report.output.root;
}

function lostOf(report: AttemptReport | undefined): readonly number[] | undefined {
  if (report?.kind !== "failed") throw new Error(JSON.stringify(report));
  assert.equal(report.failure.code, "download-failed");
  return report.lostTasks;
}

function wordCounts(parts: readonly string[]): Map<string, number> {
  const lines = parts.join("").trim().split("\n");
  return new Map(lines.map((line) => JSON.parse(line)).map(({ key, value }) => [key, value]));
}

const plain = new Map<string, number>();
for (const word of text.split(/[ \n]/)) plain.set(word, (plain.get(word) ?? 0) + 1);

test("a reduce merges own outputs and those of another worker into the whole result", async (t) => {
  const { manager, members, sources } = await mapped(t);
  const { end } = members[0]!;
  await end.sources(sources);
  await end.assign(Array.from({ length: reducers }, (_, task) => ref(task, { stage: 1 })));
  const reports = await end.reports(reducers);
  const parts = reports.map((report) => manager.blobs.get(rootOf(report))?.toString() ?? "");
  const counts = wordCounts(parts);
  assert.deepEqual([...counts].sort(), [...plain].sort());
});

test("F1: a changed partition is never used, and its task is named as lost", async (t) => {
  const { members, sources } = await mapped(t);
  const dir = join(members[1]!.dataDir, "shuffle/j-1/0");
  for (const name of readdirSync(dir).filter((file) => file === "2.1.run")) {
    writeFileSync(join(dir, name), "x".repeat(40), { flag: "r+" });
  }
  const { end } = members[0]!;
  await end.sources(sources);
  await end.assign([0, 1, 2].map((task) => ref(task, { stage: 1 })));
  const lost = (await end.reports(3)).filter((report) => report.kind === "failed").map(lostOf);
  assert.ok(lost.length > 0);
  for (const tasks of lost) assert.deepEqual(tasks, [2]);
});

test("F1: a manifest that is not the committed one is never used", async (t) => {
  const { members, sources } = await mapped(t);
  const tasks = sources.tasks.map((source, task) =>
    task === 3 ? ([source[0], source[1], "0".repeat(64)] as const) : source,
  );
  const { end } = members[0]!;
  await end.sources({ ...sources, tasks });
  await end.assign([ref(0, { stage: 1 })]);
  assert.deepEqual(lostOf((await end.reports())[0]), [3]);
});

test("F3: outputs of a worker that is gone are lost; what moves is fetched anew", async (t) => {
  const { members, sources } = await mapped(t);
  const { end } = members[0]!;
  const hole = [-1, 0, ""] as const;
  const gone = { ...sources, urls: [sources.urls[0]!, "grpc://127.0.0.1:1"] };
  await end.sources({ ...gone, tasks: [hole, ...gone.tasks.slice(1)] });
  await end.assign([ref(0, { stage: 1 })]);
  assert.deepEqual(lostOf((await end.reports())[0]), [0, 2, 3]);
  await end.sources(sources);
  await end.assign([ref(0, { stage: 1, attempt: 2 })]);
  assert.equal((await end.reports())[0]?.kind, "done");
});

test("N8: a worker that cannot be reached is read by way of the coordinator", async (t) => {
  const { manager, members, sources } = await mapped(t);
  const { key, url } = members[1]!;
  const client = new ShuffleClient(() => null, { connectMs: waitMaxMs, idleMs: waitMaxMs });
  t.after(() => client.close());
  const from = { address: url, ticket: ticketFor(key), job: "j-1", stage: 0 };
  const options = { limitMs: waitMaxMs, signal: new AbortController().signal };
  for (const task of [2, 3]) {
    for (const part of ["manifest", 0, 1, 2] as const) {
      const chunks: Buffer[] = [];
      for await (const chunk of client.read(from, { task, attempt: 1, part }, options)) {
        chunks.push(Buffer.from(chunk));
      }
      manager.programs.set(`/shuffle/j-1/0/${task}/1/${part}`, Buffer.concat(chunks));
    }
  }
  const hole = await blackHole(t);
  await members[0]!.end.sources({ ...sources, urls: [sources.urls[0]!, hole.url] });
  await members[0]!.end.assign(
    Array.from({ length: reducers }, (_, task) => ref(task, { stage: 1 })),
  );
  const reports = await members[0]!.end.reports(reducers);
  const parts = reports.map((report) => manager.blobs.get(rootOf(report))?.toString() ?? "");
  assert.deepEqual([...wordCounts(parts)].sort(), [...plain].sort());
  assert.equal(hole.connections(), 1, "one dial, whatever is read");
  // Else all that wait for the line would be stragglers, and read it again elsewhere.
  const longestMs = Math.max(...reports.map(({ durationMs }) => durationMs));
  assert.ok(longestMs >= 1_400, `${longestMs} ms, without what it waited for`);
});

/** It takes connections, and says nothing. */
async function blackHole(t: TestContext) {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    t.after(() => socket.destroy());
  });
  t.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = exchangeText({ host: "127.0.0.1", port, fingerprint: "0".repeat(64) });
  return { url, connections: () => connections };
}

/** What a client with this ticket gets from a worker: bytes, or the code of the refusal. */
async function shown(
  t: TestContext,
  member: Member,
  ticket: string,
  over: Partial<WantedPart & { job: string; stage: number }> = {},
): Promise<number | string> {
  const client = new ShuffleClient(() => null, { connectMs: waitMaxMs, idleMs: waitMaxMs });
  t.after(() => client.close());
  const wanted = { task: 0, attempt: 1, part: 0, ...over };
  const from = { address: member.url, ticket, job: "j-1", stage: 0, ...over };
  const options = { limitMs: waitMaxMs, signal: new AbortController().signal };
  let sizeBytes = 0;
  try {
    for await (const chunk of client.read(from, wanted, options)) sizeBytes += chunk.length;
    return sizeBytes;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test("F5, I13: a ticket is good for one source, requester, job, stage and time", async (t) => {
  const { members } = await mapped(t);
  const [source, other] = members as [Member, Member];
  const good = ticketFor(source.key);
  assert.ok(((await shown(t, source, good)) as number) > 0);
  assert.ok(((await shown(t, source, good, { part: "manifest" })) as number) > 0);
  const refused = async (ticket: string, over = {}, at = source) =>
    assert.equal(await shown(t, at, ticket, over), "unauthenticated");
  await refused("");
  await refused(good, {}, other);
  await refused(ticketFor(other.key));
  await refused(good.replace("w-1.", "w-2."));
  await refused(ticketFor(source.key, { stage: 1 }));
  await refused(good, { stage: 1 });
  await refused(good, { job: "j-2" });
  await refused(good.replace(String(1_000_000 + hourMs), String(1_000_000 + 2 * hourMs)));
  await refused(ticketFor(source.key, { expiresMs: 1_000_000 }));
  for (const over of [{ attempt: 2 }, { part: reducers }, { task: 2 }]) {
    assert.equal(await shown(t, source, good, over), "not-found");
  }
});

test("F5: for a ticket that is over a worker asks for another, and goes on", async (t) => {
  const { manager, members, sources } = await mapped(t);
  const { end } = members[0]!;
  const over = members.map(({ key }) => ticketFor(key, { expiresMs: 1_000_000 }));
  manager.sources.set("/shuffle/j-1/0/sources", sources);
  await end.sources({ ...sources, tickets: over });
  await end.assign([ref(0, { stage: 1 })]);
  assert.equal((await end.reports())[0]?.kind, "done");
});

test("beyond this machine workers exchange by TLS, each with its own certificate", async (t) => {
  const { members, sources } = await mapped(t, { listen: "0.0.0.0:0" });
  const [one, two] = members.map(({ url }) => parseExchange(url)!);
  assert.match(members[0]!.url, /^grpcs:/);
  assert.notEqual(one!.fingerprint, two!.fingerprint);
  const { end } = members[0]!;
  const swapped = exchangeText({ ...two!, fingerprint: one!.fingerprint });
  await end.sources({ ...sources, urls: [sources.urls[0]!, swapped] });
  await end.assign([ref(0, { stage: 1 })]);
  assert.deepEqual(lostOf((await end.reports())[0]), [2, 3]);
  await end.sources(sources);
  await end.assign([ref(0, { stage: 1, attempt: 2 })]);
  assert.equal((await end.reports())[0]?.kind, "done");
});

test("the end of a job removes its outputs and closes its exchange", async (t) => {
  const { members } = await mapped(t);
  const { end, dataDir, key } = members[0]!;
  assert.equal((await end.ask({ kind: "jobClose", jobNumber: 1 })).kind, "ack");
  assert.equal(await shown(t, members[0]!, ticketFor(key)), "unauthenticated");
  const outputs = async () => readdirSync(join(dataDir, "shuffle"));
  await polled(outputs, ({ length }) => length === 0);
  // Only the blobs that the next job may name again.
  assert.deepEqual(readdirSync(join(dataDir, "jobs")), ["kept"]);
});
