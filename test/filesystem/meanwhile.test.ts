/** Our tracker ends in the middle of a job, an independent one takes the job over, and ours starts
 *  again under the same address: the job stays with the other. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Client } from "../../src/coordinator/edges/filesystem/testing/client.ts";
import { listening } from "../../src/coordinator/edges/filesystem/testing/listening.ts";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { polled } from "../../src/store/testing/polled.ts";
import type { Message } from "../../src/wire/filesystem/codec.ts";
import { readPickle } from "../../src/wire/filesystem/pickle/reader.ts";
import type { PyTuple } from "../../src/wire/filesystem/value.ts";
import { countedWords, noPeers, Peer, tracked, wordFunctions } from "./tracked.ts";

const text = Array.from({ length: 120 }, (_, i) => `word${i % 37} ñandú the line ${i}\n`).join("");
const database = { status_db_url: "j/database.sqlite3" };

/** Functions that the cluster never ends, and another worker when the file `gate` is there. */
function waitingFor(gate: string): string {
  return `
import os, sys, time
${wordFunctions}
plain = mapper
def mapper(k, v):
    while "tequio" in sys.modules or not os.path.exists(${JSON.stringify(gate)}):
        time.sleep(0.05)
    return plain(k, v)
`;
}

const request = {
  job_url: "./j",
  job_id: "j",
  data_type: "text",
  functions_url: "j/functions.py",
  map_data_url: "j/map_data",
  status_db_url: database.status_db_url,
};

function countsOf(lines: readonly Uint8Array[]): Map<string, number> {
  const pairs = readPickle(Buffer.concat(lines)) as readonly PyTuple[];
  return new Map(pairs.map(({ items: [word, count] }) => [String(word), Number(count)]));
}

test("a tracker that starts again leaves a job to the one that has taken it over", {
  skip: noPeers,
  timeout: testMaxMs,
}, async (t) => {
  const cluster = await tracked(t, { filesystem: { port: 0 } }, null);
  const first = await cluster.track({});
  const other = new Peer(t, "worker.py", cluster.filesystem);
  const otherPort = (await other.said("port")).port as number;
  const gate = join(cluster.folder, "gate");
  const files = new Client(cluster.filesystem);
  await files.putJob("j");
  await files.put("j/functions.py", [Buffer.from(waitingFor(gate))]);
  await files.put("j/map_data", [Buffer.from(text)]);
  const [one, two] = [await listening(t), await listening(t)];
  const job = { ...request, client_addr: one.address };
  const rows = async (table: string) => {
    const { payload } = await files.twoSteps("GETROWS", database, { table, filters: [] });
    return payload.get("rows") as ReadonlyArray<ReadonlyMap<string, string>>;
  };
  assert.equal((await new Client(first.port).call("JOB", job)).name, "OK");
  await new Client(first.port).call("JOB", { ...job, client_addr: two.address });
  await polled(
    () => rows("job"),
    ([row]) => row?.get("status_phase") === "WAITANSWERS",
  );
  await polled(
    async () => two.all("RELOCATE").length,
    (count) => count > 0,
  );
  const before = two.all("RELOCATE").length;
  await first.close();
  const taken = await new Client(otherPort).call("JOB", job);
  await other.said("tookover");
  await cluster.track({ port: first.port });
  // The first client is waited for by the other; the second one has to know where.
  await polled(
    async () => two.all("RELOCATE").length,
    (count) => count > before,
  );
  const { payload } = two.all("RELOCATE").at(-1) as Message;
  assert.equal(payload.get("ping_tracker_port"), taken.payload.get("ping_tracker_port"));
  const [submitted] = await cluster.client.jobs();
  assert.equal(submitted?.state, "cancelled");
  writeFileSync(gate, "");
  await other.said("tracked");
  const [done, ...more] = await polled(
    async () => one.all("DONE"),
    (all) => all.length > 0,
  );
  assert.equal(more.length, 0);
  const counts = countsOf(await files.get(String(done?.payload.get("result_url"))));
  // Blocks that two trackers had given out would be counted twice.
  assert.deepEqual(counts, countedWords(text));
  const [row] = await rows("job");
  assert.equal(row?.get("tracker_port_ping"), taken.payload.get("ping_tracker_port"));
  assert.equal(row?.get("status_phase"), "DONE");
  assert.ok((await rows("block")).every((block) => block.get("state") === "DONE"));
});
