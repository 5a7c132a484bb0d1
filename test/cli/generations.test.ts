/** A job whose map phase outlasts its workers, which hand their map outputs over before they leave.
 *  Real processes. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Client } from "../../src/sdk/client.ts";
import { atEnd } from "../../src/store/testing/at-end.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { attemptNumbers } from "../../src/wire/api/attempts.ts";
import { announced, joinTokenOf } from "../fixtures/cluster.ts";
import { Place, type Running } from "../fixtures/place.ts";

/** A map task takes its time, whatever the machine does. */
function source(mapMs: number): string {
  return `import { type Emit, mapReduce } from "tequio";
export default mapReduce({
  clock: "real",
  backupTasks: false,
  map(line: string, emit: Emit<string, number>) {
    if (line.startsWith("first")) for (const endMs = Date.now() + ${mapMs}; Date.now() < endMs; );
    for (const word of line.split(" ")) emit(word, 1);
  },
  reduce(key: string, values: Iterable<number>) {
    let sum = 0;
    for (const value of values) sum += value;
    return sum;
  },
});
`;
}

/** Lines of one length, so that each split of 1,024 bytes has one that takes the time. */
function input(splits: number): string {
  const line = (n: number) =>
    `${n % 32 === 0 ? "first" : "next"} word${n % 7} word${n % 13}`.padEnd(31);
  return Array.from({ length: splits * 32 }, (_, n) => `${line(n)}\n`).join("");
}

/** A cluster without workers, a job that waits for them, and the workers one after the other. */
class Generations {
  readonly place: Place;
  readonly client: Client;
  readonly job: string;
  readonly #join: readonly string[];
  count = 0;

  private constructor(
    place: Place,
    of: { readonly client: Client; readonly job: string; readonly join: readonly string[] },
  ) {
    this.place = place;
    this.client = of.client;
    this.job = of.job;
    this.#join = of.join;
  }

  static async begin(t: TestContext, splits: number, mapMs: number): Promise<Generations> {
    const place = new Place(t, { "job.ts": source(mapMs), "in.txt": input(splits) });
    const up = place.start("up", "--json", "--workers", "0", "--listen", "127.0.0.1:0");
    const told = await announced(up);
    const run = ["run", "job.ts", "in.txt", "--split-bytes", "1024", "--reducers", "3"];
    const { err, out } = await place.run(...run, "--detach", "--json");
    const { job } = JSON.parse(out || `{"error":${JSON.stringify(err)}}`) as { job: string };
    const client = new Client({ url: told.url, token: place.read("data/admin.token").trim() });
    atEnd(t, async () => client.close());
    const more = ["--slots", "1", "--python", "none", "--listen", "127.0.0.1:0", "--json"];
    return new Generations(place, {
      client,
      job,
      join: ["join", told.url, "--token", joinTokenOf(told), ...more],
    });
  }

  next(...options: readonly string[]): Running {
    this.count += 1;
    // Workers whose folders lie beside each other read there.
    return this.place.start(...this.#join, "--data", `${this.count}/worker`, ...options);
  }

  /** Workers by the map attempts that ended. */
  async maps(): Promise<number[]> {
    const { ended } = await this.client.attempts(this.job, 0);
    const starts = ended.map((_, at) => at).filter((at) => at % attemptNumbers === 0);
    return starts.filter((at) => ended[at] === 0).map((at) => ended[at + 3] as number);
  }

  /** The result equals that of the judge. */
  async check(): Promise<void> {
    const result = await this.place.run("attach", this.job, "-o", "-");
    assert.equal(result.code, 0, result.err);
    const run = ["run", "job.ts", "in.txt", "--split-bytes", "1024", "--reducers", "3"];
    const judged = await this.place.run(...run, "--sequential", "-o", "-");
    assert.equal(result.out, judged.out);
  }
}

const splits = 8;

test("N14: workers that drain hand over what they mapped, and nothing is repeated", async (t) => {
  const all = await Generations.begin(t, splits, 500);
  let said = "";
  for (let before = 0; all.count < 3 && before < splits - 1; ) {
    const worker = all.next("--drain", "120s");
    const maps = await polled(
      () => all.maps(),
      ({ length }) => length > before,
    );
    worker.child.kill("SIGTERM");
    const { code, err, out } = await worker.ended;
    assert.equal(code, 0, err);
    said += out;
    before = Math.max(maps.length, (await all.maps()).length);
  }
  assert.match(said, /handed over [1-9]\d* map outputs .* none is needed here any more/);
  const last = all.next();
  await all.check();
  const maps = await all.maps();
  assert.equal(maps.length, splits, "each map task was computed once");
  assert.ok(new Set(maps).size >= 2, `by several workers: ${maps}`);
  last.child.kill("SIGINT");
  assert.equal((await last.ended).code, 0);
});

test("Ctrl-C leaves at once, and what was mapped there is computed again", async (t) => {
  const all = await Generations.begin(t, splits, 300);
  const first = all.next("--drain", "120s");
  await polled(
    () => all.maps(),
    ({ length }) => length >= 2,
  );
  first.child.kill("SIGINT");
  assert.equal((await first.ended).code, 0);
  const second = all.next();
  await all.check();
  assert.ok((await all.maps()).length > splits);
  second.child.kill("SIGINT");
  assert.equal((await second.ended).code, 0);
});

test("N14: a job whose map phase outlasts the lifetime of each worker ends", async (t) => {
  // Of the 5 s in which a worker begins tasks, three at most.
  const all = await Generations.begin(t, splits, 1_700);
  const isOver = async () => (await all.client.job(all.job as never)).state !== "running";
  while (!(await isOver())) {
    const worker = all.next("--lifetime", "9s", "--drain", "4s");
    const { code, err } = await worker.ended;
    assert.equal(code, 0, err);
  }
  await all.check();
  const workers = new Set(await all.maps());
  assert.ok(workers.size >= 3, `${workers.size} workers had a part in it, of ${all.count}`);
});
