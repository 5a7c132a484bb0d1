/** A tracker that dies: the coordinator is killed in the middle of a job, is started again, and the
 *  client that waited all the time gets its result. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../../src/sdk/client.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { announced } from "../fixtures/cluster.ts";
import { Place } from "../fixtures/place.ts";
import { countedWords, noPeers, Peer, wordFunctions } from "./tracked.ts";

const text = Array.from({ length: 600 }, (_, i) => `word${i % 37} the line ${i}\n`).join("");
const slow = `
import time
${wordFunctions}
plain = mapper
def mapper(k, v):
    time.sleep(0.5)
    return plain(k, v)
`;

async function up(place: Place, filesystem: number, jobtracker: number) {
  const ports = ["--filesystem", String(filesystem), "--jobtracker", String(jobtracker)];
  const running = place.start(
    "up",
    "--listen",
    "127.0.0.1:0",
    "--workers",
    "2",
    ...ports,
    "--json",
  );
  const said = await announced(running);
  return { running, said };
}

test("a job goes on when its tracker is killed, and its client is answered", {
  skip: noPeers,
}, async (t) => {
  const place = new Place(t, { "functions.py": slow, "data.txt": text });
  const first = await up(place, 0, 0);
  const { filesystem, jobtracker } = first.said;
  const files = [`${place.dir}/functions.py`, `${place.dir}/data.txt`];
  const client = new Peer(t, "client.py", jobtracker!.port, ...files);
  await client.said("job");
  place.write("other.txt", text.toUpperCase());
  const where = ["--jobtracker", String(jobtracker!.port)];
  const ours = place.start("run", "functions.py", "other.txt", ...where, "-o", "-");
  await ours.said("is submitted");
  const cluster = new Client({ url: first.said.url, token: place.read("data/admin.token").trim() });
  t.after(() => cluster.close());
  // Both are at the cluster.
  await polled(
    () => cluster.jobs(),
    ({ length }) => {
      assert.equal(client.err, "");
      return length === 2;
    },
  );
  first.running.child.kill("SIGKILL");
  await first.running.ended;
  const second = await up(place, filesystem!.port, jobtracker!.port);
  const done = await client.said("done");
  assert.deepEqual(new Map(done.result as [string, number][]), countedWords(text));
  // Both are the same jobs: what was computed is not computed again.
  const { out: jobs } = await place.run("jobs", "--json");
  assert.equal(jobs.match(/"job":"j-/g)?.length, 2);
  const { code, err, out } = await ours.ended;
  assert.equal(code, 0, err);
  assert.equal(out.trim().split("\n").length, countedWords(text.toUpperCase()).size);
  const [row] = done.job_rows as Record<string, string>[];
  assert.equal(row?.status_phase, "DONE");
  const listed = (await place.run("ls")).out;
  assert.match(listed, /result_data/);
  second.running.child.kill("SIGTERM");
  assert.equal((await second.running.ended).code, 0);
});
