/** `--shuffle s3` of real processes: a worker is killed when the map tasks have ended, and nothing
 *  of them is computed again. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "../../src/sdk/client.ts";
import { atEnd } from "../../src/store/testing/at-end.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { attemptNumbers, attemptOutcomes } from "../../src/wire/api/attempts.ts";
import { announced, joinTokenOf } from "../fixtures/cluster.ts";
import { Place } from "../fixtures/place.ts";
import { credentials, S3Server, withoutS3 } from "./s3-server.ts";

const skip = withoutS3;
const started = new AsyncDisposableStack();
let server: S3Server;

before(async () => {
  if (skip === false) server = started.adopt(await S3Server.start(), (one) => one.remove());
});
after(() => started.disposeAsync());

/** Reduce tasks last long enough to be met by a kill. */
const source = `import { type Emit, mapReduce } from "tequio";
export default mapReduce({
  backupTasks: false,
  map(line: string, emit: Emit<string, number>) {
    for (const word of line.split(" ")) emit(word, 1);
  },
  reduce(key: string, values: Iterable<number>) {
    let spin = 0;
    for (let n = 0; n < 300_000; n++) spin = (spin * 31 + n) % 1_000_003;
    let sum = spin >= 0 ? 0 : 1;
    for (const value of values) sum += value;
    return sum;
  },
});
`;
const lines = Array.from({ length: 4_000 }, (_, n) =>
  `word${n % 700} and word${n % 13}`.padEnd(24),
);
const mapTasks = 10;

type Attempt = { readonly task: number; readonly worker: number };

/** Of map tasks, those that are done; on a busy machine others may be lost or stopped. */
async function mapsOf(client: Client, job: string): Promise<Attempt[]> {
  const { ended } = await client.attempts(job, 0);
  const starts = ended.map((_, at) => at).filter((at) => at % attemptNumbers === 0);
  const isDone = (at: number) => attemptOutcomes[(ended[at + 6] as number) % 8] === "done";
  return starts
    .filter((at) => ended[at] === 0 && isDone(at))
    .map((at) => ({ task: ended[at + 1] as number, worker: ended[at + 3] as number }));
}

for (const shuffle of ["s3", "workers"] as const) {
  const what = shuffle === "s3" ? "costs no map task" : "costs its map tasks";
  test(`N13: --shuffle ${shuffle}: kill -9 of one of three workers ${what}`, {
    skip,
  }, async (t) => {
    const place = new Place(t, { "job.ts": source, "in.txt": `${lines.join("\n")}\n` });
    const { accessKeyId, secretAccessKey } = credentials;
    // Workers have no credentials.
    const keys = [`AWS_ACCESS_KEY_ID=${accessKeyId}`, `AWS_SECRET_ACCESS_KEY=${secretAccessKey}`];
    const at = ["--listen", "127.0.0.1:0", "--blobs", server.address(), "--lease", "2s"];
    const up = place.startBy(["env", ...keys], "up", "--json", "--workers", "0", ...at);
    const told = await announced(up);
    const workers = [];
    for (const name of ["a", "b", "c"]) {
      // Workers whose folders lie beside each other read there, also what a dead one has left.
      const data = `${name}/worker`;
      const own = ["--slots", "1", "--data", data, "--listen", "127.0.0.1:0", "--python", "none"];
      const worker = place.start("join", told.url, "--token", joinTokenOf(told), ...own);
      workers.push(worker);
      await worker.said("joined as w-");
    }
    const common = ["run", "job.ts", "in.txt", "--split-bytes", "10K", "--reducers", "8"];
    const { err, out } = await place.run(...common, "--shuffle", shuffle, "--detach", "--json");
    const { job } = JSON.parse(out || `{"error":${JSON.stringify(err)}}`) as { job: string };
    const client = new Client({ url: told.url, token: place.read("data/admin.token").trim() });
    atEnd(t, async () => client.close());
    const maps = () => mapsOf(client, job);
    const areAll = (all: Attempt[]) => new Set(all.map(({ task }) => task)).size === mapTasks;
    const done = await polled(maps, areAll);
    const victim = done[0]?.worker ?? 0;
    const lost = new Set(done.flatMap(({ task, worker }) => (worker === victim ? [task] : [])));
    const isNew = ({ task, worker }: Attempt) =>
      !done.some((one) => one.task === task && one.worker === worker);
    await workers[victim - 1]?.stop("SIGKILL");
    assert.equal((await client.job(job as never)).state, "running", "others have to read yet");
    const result = await place.run("attach", job, "-o", "-");
    assert.equal(result.code, 0, result.err);
    const judged = await place.run(...common, "--sequential", "-o", "-");
    assert.equal(result.out, judged.out);
    // Of the others one may have been silent for longer than its lease on a busy machine.
    const repeated = (await maps()).filter((one) => lost.has(one.task) && isNew(one));
    if (shuffle === "s3") assert.deepEqual(repeated, [], `of ${JSON.stringify(done)}`);
    else assert.ok(repeated.length > 0);
  });
}
