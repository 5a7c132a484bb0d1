/** Jobs in Python on a real worker: every file of their results, and their counters, are the
 *  judge's; where TypeScript can do the same, its bytes. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { PlanOptions } from "../../src/sdk/plan.ts";
import { equalsJudge } from "../judge/compare.ts";
import { clusterForTests, noPython } from "./cluster.ts";

const skip = noPython;
const cluster = clusterForTests();

const words = Array.from({ length: 400 }, (_, n) => `w${(n * n) % 53} été 日本 W${n % 7}`);
const lines = `${words.join("\n")}\n`;
const csv = `city,price,note\n${words.map((_, n) => `c${n % 5},${n % 9},"x, ${n}"`).join("\n")}\n`;
const ndjson = `${words.map((_, n) => `{"k":${n % 4},"v":[${n},9007199254740993]}`).join("\n")}\n`;

type Case = {
  readonly code: string;
  /** Name and content of its input. */
  readonly input?: readonly [name: string, content: string];
  readonly options?: Partial<PlanOptions>;
};

const imports =
  "from tequio import map_reduce, tasks, text, binary, ndjson, csv, count, log\nimport random\n";
const cut = { reducers: 3, splitBytes: 1_500 };

const cases: Readonly<Record<string, Case>> = {
  "words with combine": {
    code: `job = map_reduce(input=text.lines(),
    map=lambda line, emit: [emit(w, 1) for w in line.split()],
    combine=lambda a, b: a + b)`,
  },
  "words emitted at once": {
    code: `job = map_reduce(map=lambda line, emit: emit.each(line.split()),
    combine=lambda a, b: a + b)`,
  },
  "words emitted at once beside other keys": {
    code: `class Text(str):
    pass
job = map_reduce(combine=lambda a, b: a + b,
    map=lambda line, emit: emit.each([*line.split(), Text("w1"), 1, True, 1.0, None, ("w1", 2)]))`,
  },
  "pairs that are yielded": {
    code: `def pairs(line):
    for word in line.split():
        yield word, len(word)
job = map_reduce(map=pairs, combine=max)`,
  },
  "words as records, with their offsets": {
    code: `def place(word, emit, context):
    emit(word, context.offset)
job = map_reduce(input=text.words(lowercase=True), map=place, reduce=lambda k, vs: sorted(vs))`,
  },
  "values of every kind, and keys": {
    code: `import datetime
def every(line, emit, context):
    n = context.offset
    emit(n % 3 == 0, [n, (n, [None, True]), 2 ** 70 + n, -2 ** 90, b"\\x00\\xff"])
    emit(n % 3 == 1, [1.5, 2.0, 1e21, 1.25e-7, 0.00001, 1e16, -1.5e300])
    emit((n % 2, "é\\0", None), {"b": {"a": "x"}, "1": datetime.date(2026, 1, n % 28 + 1)})
    emit(n % 2 + 0.5, "𝄞" * (n % 3))
    emit(2 ** 60 + n % 2, -0.0)
    emit(-2 ** 1100 - n % 3, bytearray(b"x"))
    emit(datetime.date(2026, 1, 1), "\\ud83d\\ude00")
job = map_reduce(map=every, reduce=lambda key, values: list(values))`,
  },
  "descending, custom partition, several pairs of reduce": {
    code: `def reduce(key, values, context):
    for value in values:
        context.emit((key, value), context.partition)
    return random.random()
job = map_reduce(map=lambda line, emit, c: emit(line[:2], c.file[-3:]), reduce=reduce,
    sort="descending", partition=lambda key, count: len(key) % count, seed="s")`,
  },
  "the clock stands still": {
    code: `import datetime, time
top = time.time()
def looked():
    return [time.time() - top, round(time.time_ns() / 1e6) - round(top * 1000),
        abs(round(datetime.datetime.now().timestamp() - top, 3)), time.perf_counter(),
        time.ctime() == time.ctime(top)]
def run(item):
    began = time.monotonic()
    while time.monotonic() == began:
        time.sleep(0.002)
    return looked() + [datetime.date.today() == datetime.datetime.now().date()]
job = tasks(items=range(3), run=run)`,
  },
  "csv and counters": {
    code: `def row(row, emit):
    count("rows")
    count("price", int(row["price"]))
    emit(row["city"], int(row["price"]))
job = map_reduce(input=csv(), map=row, combine=lambda a, b: a + b, output="csv")`,
    input: ["in.csv", csv],
  },
  "columns of csv": {
    code: `job = map_reduce(input=text.csv(["note", "city"]), output="text",
    map=lambda row, emit: emit(row["note"], list(row)))`,
    input: ["in.csv", csv],
  },
  "csv over several lines": {
    code: `job = map_reduce(input=csv(multiline=True), map=lambda r, emit, c: emit(c.offset, r))`,
    input: ["in.csv", 'a,b\n1,"x\ny"\n"q""",2\n'],
  },
  "ndjson keeps whole numbers": {
    code: `job = map_reduce(input=ndjson(), map=lambda v, emit: emit(v["k"], v["v"]),
    reduce=lambda k, vs: [v[1] for v in vs][:3])`,
    input: ["in.ndjson", ndjson],
  },
  "paths of json": {
    code: `job = map_reduce(input=text.json(["k", "v.1", "v.9"]),
    map=lambda v, emit: emit(v["k"], v))`,
    input: ["in.ndjson", ndjson],
  },
  "matches and groups": {
    code: `job = map_reduce(input=text.match(r"(w)(\\d+)|(W)", ["a", "n", "b"]),
    map=lambda m, emit: emit([m["a"], m["b"]], m["n"]))`,
  },
  "whole files, as text and as bytes": {
    code: `job = map_reduce(inputs={
    "t": {"input": text.file(), "map": lambda f, emit: emit("t", len(f))},
    "b": {"input": binary.file(), "map": lambda f, emit, c: emit("b", f[:9])},
    "r": {"input": binary.records(3), "map": lambda r, emit, c: emit(r[0], c.offset)}})`,
  },
  "map only": {
    code: `job = map_reduce(map=lambda line, emit: emit(line[:3], (line, 1.0)), reducers=0)`,
    options: { splitBytes: 1_500 },
  },
  "bad records are kept": {
    code: `def number(line, emit):
    emit("before", 1)
    emit(int(line[1:line.index(" ")]), {1: 2} if line.startswith("w4 ") else 1)
    if line.startswith("w1 "):
        raise ValueError("no ones")
job = map_reduce(map=number, combine=lambda a, b: a + b, bad_records="keep")`,
  },
  "bad records of a format are kept": {
    code: `job = map_reduce(input=ndjson(), map=lambda v, emit: emit("v", v), bad_records="keep")`,
    input: ["in.ndjson", '1\n{"a":\n\n  \nNaN\n[1,2]\r\n"é'],
  },
  "the functions of the filesystem protocol": {
    code: `def mapper(k, v):
    return [(word, k) for word in v.split()]
def combiner(key, values):
    return key, max(values)
def reducer(key, values):
    return None if key.startswith("w2") else (key.upper(), max(values))`,
  },
  "empty input": {
    code: `job = map_reduce(map=lambda line, emit: emit(line, 1), combine=lambda a, b: a + b)`,
    input: ["empty.txt", ""],
  },
  "a list of tasks": {
    code: `async def run(n, context):
    log("item", {"n": n})
    count("n", n)
    r = random.random()
    return {"n": n, "i": context.index, "r": r, "huge": 3 ** (n * 20), "k": context.params["k"]}
job = tasks(items=lambda params: range(params["k"] + 7), params={"k": 3}, run=run, seed=7)`,
    options: { params: { k: "5" } },
  },
  "a list of tasks as csv": {
    code: `job = tasks(items=lambda: ["a", None, 1.5, [1, {"x": 2 ** 64}], "q\\"\\n,"],
    run=lambda x: x, output="csv")`,
  },
};

for (const [name, { code, input, options = {} }] of Object.entries(cases)) {
  test(`the cluster gives what the judge gives: ${name}`, { skip }, async () => {
    const job = cluster.file("job.py", imports + code);
    const plan = { ...cut, ...options };
    if (/\btasks\(/.test(code)) {
      await equalsJudge(cluster.client, job, plan);
      return;
    }
    const path = cluster.file(...(input ?? (["in.txt", lines] as const)));
    const several = code.includes("inputs={");
    const inputs = several ? [`t=${path}`, `b=${path}`, `r=${path}`] : [path];
    const { taskCount } = await equalsJudge(cluster.client, job, { ...plan, inputs });
    assert.ok(name !== "words with combine" || taskCount > 5);
  });
}

test("a job in Python and one in TypeScript give the same bytes", { skip }, async () => {
  const python = cluster.file(
    "job.py",
    `${imports}
def words(line, emit):
    for w in line.split():
        emit(w, {"n": len(w), "of": [w, 0.1, None]})
job = map_reduce(map=words,
    reduce=lambda key, values: [v["of"] for v in values])`,
  );
  const typescript = cluster.file(
    "job.ts",
    `import { mapReduce } from "tequio";
export default mapReduce({
  map(line, emit) {
    // A character of Python is a code point.
    for (const w of line.split(" ")) emit(w, { n: [...w].length, of: [w, 0.1, null] });
  },
  reduce: (_key, values) => [...values].map((v) => v.of),
});`,
  );
  const input = cluster.file("in.txt", lines);
  const [a, b] = [
    await equalsJudge(cluster.client, python, { ...cut, inputs: [input] }),
    await equalsJudge(cluster.client, typescript, { ...cut, inputs: [input] }),
  ];
  assert.deepEqual(a.files, b.files);
  assert.equal(a.files.size, 3);
});

test("what does not fit into memory is spilled, and comes out the same", { skip }, async () => {
  const pairs = Array.from({ length: 4_000 }, (_, n) => `k${(n * 7919) % 3001} ${n}\n`);
  const input = cluster.file("in.txt", pairs.join(""));
  const code = (rest: string) => `${imports}
job = map_reduce(map=lambda line, emit: emit(line.split()[0], int(line.split()[1])), ${rest})`;
  for (const rest of ["combine=lambda a, b: a + b", "reduce=lambda k, vs: list(vs)"]) {
    const job = cluster.file("job.py", code(rest));
    const small = { ...cut, splitBytes: 30_000, spillBytes: 20_000 };
    await equalsJudge(cluster.client, job, { ...small, inputs: [input] });
  }
});

test("modules beside the job file travel along, also those imported late", { skip }, async () => {
  const job = cluster.file(
    "job.py",
    `${imports}
import shop.prices
from shop import names as shop_names
def run(n):
    import late
    return [shop.prices.price(n), shop_names.NAME, late.LATE, shop.prices.__name__]
job = tasks(items=[1, 2], run=run)`,
  );
  const { mkdirSync } = await import("node:fs");
  const folder = dirname(job);
  mkdirSync(join(folder, "shop"));
  writeFileSync(join(folder, "shop/__init__.py"), "");
  writeFileSync(
    join(folder, "shop/prices.py"),
    "from .names import NAME\ndef price(n):\n    return n * 2\n",
  );
  writeFileSync(join(folder, "shop/names.py"), "NAME = 'x'\n");
  writeFileSync(join(folder, "late.py"), "LATE = 9\n");
  const { files } = await equalsJudge(cluster.client, job, {});
  assert.equal(files.get("results.ndjson"), '[2,"x",9,"shop.prices"]\n[4,"x",9,"shop.prices"]\n');
});

test("a parameter that is a float stays one, wherever it is read", { skip }, async () => {
  const job = cluster.file(
    "job.py",
    `${imports}
job = tasks(items=lambda p: [repr(p["rate"])], params={"rate": 2.0, "n": 1},
    run=lambda item, context: [item, repr(context.params["rate"]), repr(context.params["n"])])`,
  );
  const { files } = await equalsJudge(cluster.client, job, { params: { rate: "3" } });
  assert.equal(files.get("results.ndjson"), '["3.0","3.0","1"]\n');
});

test("what is around job code is the same on a worker and under the judge", { skip }, async () => {
  const job = cluster.file(
    "job.py",
    `${imports}
import datetime, locale, os, time
def run(item):
    zone = datetime.datetime(2026, 7, 1).astimezone().tzname()
    variables = sorted(set(os.environ) - {"PATH"})
    return [zone, variables, list(set("abcdefgh")), hash("x"), sorted("aÉz"), open.__name__]
job = tasks(items=[0], run=run)`,
  );
  const zone = process.env.TZ;
  process.env.TZ = "America/Mexico_City";
  try {
    await equalsJudge(cluster.client, job, {});
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
});

test("a plan of many files is read in parts", { skip }, async () => {
  const folder = dirname(cluster.file("0.txt", "a\n"));
  for (let n = 1; n < 1_100; n++) writeFileSync(join(folder, `${n}.txt`), `${n % 10} b\n`);
  const job = cluster.file(
    "job.py",
    `${imports}
job = map_reduce(map=lambda line, emit, c: emit(line, c.file[-5:]),
    reduce=lambda k, vs: len(list(vs)))`,
  );
  await equalsJudge(cluster.client, job, { inputs: [folder], reducers: 1 });
});

test("two Python jobs at once, and one of TypeScript, do not mix", { skip }, async () => {
  const code = (n: number) => `${imports}
import time
state = []
def run(item):
    state.append(item)
    time.sleep(0.005)
    return [${n}, item, len(set(state)) == len(state)]
job = tasks(items=range(40), run=run)`;
  const typescript = cluster.file(
    "job.ts",
    `import { tasks } from "tequio";
export default tasks({ items: [...Array(40).keys()], run: (item) => [3, item, true] });`,
  );
  const jobs = [cluster.file("job.py", code(1)), cluster.file("job.py", code(2)), typescript];
  const all = await Promise.all(jobs.map((job) => equalsJudge(cluster.client, job, {})));
  for (const [n, { files }] of all.entries()) {
    const rows = files.get("results.ndjson")!.trim().split("\n");
    assert.deepEqual(
      rows,
      Array.from({ length: 40 }, (_, item) => `[${n + 1},${item},true]`),
    );
  }
});
