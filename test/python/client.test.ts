/** The client for Python on a real cluster: each test is a function of client.py, a program of its
 *  own; and its plans are those of TypeScript. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { hostId } from "../../src/link/host.ts";
import { fingerprint, selfSigned } from "../../src/link/tls/self-signed.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import type { FormatSpec } from "../../src/sdk/format.ts";
import { jobSpecOf } from "../../src/sdk/plan/spec.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { Started } from "../fixtures/started.ts";
import { clusterForTests, noPython } from "./cluster.ts";
import { pythonWith } from "./find.ts";

const skip = noPython;
const cluster = clusterForTests();
const program = join(import.meta.dirname, "client.py");
const python = join(import.meta.dirname, "../../python");
const input = "a a bb\nbb c\na\n";

type Environment = Readonly<Record<string, string>>;

function start(name: string, env: Environment = {}): Started {
  return startFile(program, [name], env);
}

function startFile(file: string, args: readonly string[] = [], env: Environment = {}): Started {
  const { token, url } = cluster.target;
  // No coordinator of the machine that runs the tests.
  const names = Object.keys(process.env).filter((one) => !one.startsWith("TEQUIO_"));
  const own = Object.fromEntries(names.map((one) => [one, process.env[one]]));
  return new Started(["python3", "-B", file, ...args], {
    env: { ...own, TEQUIO_URL: url, TEQUIO_TOKEN: token, PYTHONPATH: python, ...env },
    input: true,
    limitMs: waitMaxMs,
  });
}

async function ended(program: Started): Promise<string> {
  const { code, err, out } = await program.ended;
  assert.equal(code, 0, out + err);
  return out;
}

function inputEnvironment(): Environment {
  return { INPUT: cluster.file("in.txt", input) };
}

const programs: Readonly<Record<string, string>> = {
  "functions bring what they use, and come from where they are": "functions_bring_what_they_use",
  "what cannot travel is named, with its line and a remedy": "what_cannot_travel_is_named",
  "results are JSON: nothing is unpickled here": "results_are_never_unpickled",
  "ten thousand items take seconds": "many_items_are_quick",
  "map takes any iterable, in order, and stops when it is closed":
    "map_takes_any_iterable_and_stops",
  "what a function raises is raised at its place, with its traceback":
    "what_a_function_raises_is_raised",
  "a bad item loses no good ones, whatever is in its task": "a_bad_item_loses_no_good_ones",
  "progress is shown in terminals and notebooks": "progress_is_shown",
  "jobs of a program give rows, records and files": "jobs_give_rows",
  "rows of text are lines, and tables": "rows_of_text_are_lines_and_tables",
  "a coordinator that is at another port now is found": "a_coordinator_at_another_port_is_found",
  "a coordinator that is older than the client is named": "an_older_coordinator_is_named",
  "a long line costs its length": "long_lines_cost_their_length",
  "job files run, with errors that name the place": "job_files_run",
};

const ofExecutors: Readonly<Record<string, string>> = {
  "Ctrl-C cancels what map, run and an executor have under way": "interrupted_cancels",
  "Ctrl-C before the answer to a submission leaves no job": "interrupted_submission",
  "an executor puts calls together and keeps their order": "executors_batch_and_keep_order",
  "a call that crashes its process fails alone": "a_call_that_crashes_fails_alone",
  "futures are cancelled, and their job with them": "futures_are_cancelled",
  "asyncio runs calls in an executor": "asyncio_uses_it",
};

for (const [name, called] of Object.entries(programs)) {
  test(name, { skip }, async () => {
    await ended(start(called, inputEnvironment()));
  });
}

test("the example of a sweep prints its table and what it has found", { skip }, async () => {
  const sweep = join(import.meta.dirname, "../../examples/parameter-sweep/sweep.py");
  const rows = (await ended(startFile(sweep))).trim().split(/\r?\n/);
  assert.equal(rows[0], "rate,days,worst,all");
  assert.equal(rows.length, 1 + 18 + 1);
  const found = Number(/^highest rate (0\.\d+)$/.exec(rows.at(-1)!)?.[1]);
  assert.ok(found > 1 / 7 && found < 0.6, rows.at(-1));
});

for (const [name, called] of Object.entries(ofExecutors)) {
  test(name, { skip }, async () => {
    await ended(startFile(join(import.meta.dirname, "client_executor.py"), [called]));
  });
}

const noNotebook = pythonWith("IPython") === "python3" ? false : "python3 has no IPython";

test("cells of a notebook travel in their newest form", { skip: skip || noNotebook }, async () => {
  await ended(startFile(join(import.meta.dirname, "client_notebook.py")));
});

const noPickle = pythonWith("cloudpickle") === "python3" ? false : "python3 has no cloudpickle";

test("cloudpickle takes what source cannot say, to a Python of the same version", {
  skip: skip || noPickle,
}, async () => {
  await ended(start("cloudpickle_takes_the_rest"));
});

test("a coordinator is found by its data directory, its address and its token", {
  skip,
}, async () => {
  const data = join(cluster.folder, "data");
  const { url } = cluster.target;
  writeFileSync(join(data, "endpoint.json"), JSON.stringify({ url, fingerprint: "", pid: 1 }));
  await ended(start("coordinators_are_found", { DATA: data }));
});

test("a submitter who may not name paths uploads its files", { skip }, async () => {
  const asked = { role: "submitter", owner: "ana", ttlMs: testMaxMs, usesMax: 0 } as const;
  const { token } = await cluster.client.createToken(asked);
  await ended(start("a_submitter_uploads", { ...inputEnvironment(), TEQUIO_TOKEN: token }));
});

test("TLS goes to the pinned certificate and to no other", { skip }, async (t) => {
  const certificate = selfSigned(["127.0.0.1"], Date.now());
  const server = await serving(t, createServer(certificate, pass));
  const { port } = server.address() as AddressInfo;
  const env = {
    TEQUIO_URL: `https://127.0.0.1:${port}`,
    TEQUIO_FINGERPRINT: fingerprint(certificate.cert),
  };
  await ended(start("another_certificate_is_refused", env));
});

test("a coordinator that restarts is waited for", { skip }, async () => {
  const waiting = start("a_restart_is_waited_for");
  await waiting.nextLine();
  await cluster.restart(async () => {
    waiting.child.stdin?.end("go on\n");
  });
  await ended(waiting);
});

/** Passes a call on to the coordinator of the tests, in the clear. */
const pass: Parameters<typeof createServer>[1] = (call, answer) => {
  const { headers, method, url } = call;
  const to = new URL(url!, cluster.target.url);
  const own = { ...headers, host: to.host };
  const passed = request(to, { headers: own, method: method! }, (from) => {
    answer.writeHead(from.statusCode!, from.headers);
    from.pipe(answer);
  });
  call.pipe(passed);
};

async function serving(t: TestContext, server: Server): Promise<Server> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

type Planning = {
  readonly formats: Readonly<Record<string, FormatSpec | null>>;
  readonly inputs: string | readonly string[] | Readonly<Record<string, readonly string[]>>;
  /** Of the command line. */
  readonly given: readonly string[];
  readonly hasCombine: boolean;
  readonly reducers: number | null;
  readonly splitBytes: number | null;
};

const formatTexts: Readonly<Record<string, string>> = {
  lines: "text.lines()",
  words: "text.words()",
  multiline: "csv(multiline=True)",
  records: "binary.records(7)",
  file: "text.file()",
  bytes: "binary.file()",
};
const formatSpecs: Readonly<Record<string, FormatSpec>> = {
  lines: { format: "lines" },
  words: { format: "words", lowercase: false },
  multiline: { format: "csv", header: true, separator: ",", multiline: true, columns: null },
  records: { format: "records", sizeBytes: 7, key: [0, 7] },
  file: { format: "file", as: "text" },
  bytes: { format: "file", as: "bytes" },
};

function planFolder(): string {
  const folder = dirname(cluster.file("a.txt", "x".repeat(700)));
  const file = (name: string, content: string | Uint8Array) =>
    writeFileSync(join(folder, name), content);
  mkdirSync(join(folder, "é/.hidden"), { recursive: true });
  for (const n of [1, 10, 2]) file(`é/${n}.txt`, "y".repeat(n * 70));
  file("é/.hidden/z.txt", "not read");
  file("é/packed.txt.gz", gzipSync("z".repeat(70)));
  file("é/empty.txt", "");
  mkdirSync(join(folder, "linked"));
  file("linked/l.txt", "l".repeat(90));
  symlinkSync(join(folder, "linked"), join(folder, "é/link"));
  file("packed-without-a-name", gzipSync("z".repeat(70)));
  return folder;
}

test("inputs are planned as TypeScript plans them", { skip }, async () => {
  const folder = planFolder();
  const plannings: Planning[] = [];
  for (const [name, spec] of Object.entries(formatSpecs)) {
    for (const splitBytes of [null, 100, 333]) {
      const isBinary = name === "records";
      const paths = [join(folder, "a.txt"), join(folder, "é/{}")].map((path) =>
        path.replace("{}", isBinary ? "*.txt" : ""),
      );
      const inputs = name === "records" ? paths : [...paths, join(folder, "packed-without-a-name")];
      const formats = { default: spec };
      const more = { hasCombine: name === "lines", reducers: splitBytes === 333 ? 0 : null };
      plannings.push({ formats, inputs, given: inputs, splitBytes, ...more });
    }
  }
  // Without the size asked for, a file that is a little longer than two splits is cut into two.
  const large = join(folder, "large.txt");
  writeFileSync(large, "x\n");
  truncateSync(large, 130 * 1024 * 1024);
  const asked = { inputs: [large], given: [large], splitBytes: null, reducers: null };
  const formats = { default: formatSpecs.lines! };
  plannings.push({ formats, ...asked, hasCombine: true });
  const script = plannings.map((one) => `${JSON.stringify(one)}\n`).join("");
  const run = spawnSync("python3", ["-B", program, "plans"], { input: script, encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  const made = run.stdout.trim().split("\n");
  assert.equal(made.length, plannings.length);
  for (const [index, planning] of plannings.entries()) {
    const [plan, spec] = JSON.parse(made[index]!);
    const expected = await planned(planning);
    assert.deepEqual(plan, expected.plan, JSON.stringify(planning));
    assert.deepEqual({ ...spec, codeHash: "" }, expected.spec, JSON.stringify(planning));
  }
});

const built: Record<string, ReturnType<typeof bundleJob>> = {};

function buildReading(name: string, hasCombine: boolean): ReturnType<typeof bundleJob> {
  const combine = hasCombine ? ", combine=lambda a, b: a" : "";
  const file = cluster.file(
    "job.py",
    `from tequio import binary, csv, map_reduce, text
job = map_reduce(input=${formatTexts[name]}, map=lambda r, emit: emit(1, 1)${combine})`,
  );
  return bundleJob(file);
}

async function planned({ formats, given, hasCombine, reducers, splitBytes }: Planning) {
  const name = Object.entries(formatSpecs).find(([, spec]) => spec === formats.default)![0];
  built[name] ??= buildReading(name, hasCombine);
  const { job } = await built[name];
  const found = await planJob(job, {
    ...{ inputs: given, params: {}, host: hostId() },
    ...(reducers === null ? {} : { reducers }),
    ...(splitBytes === null ? {} : { splitBytes }),
  });
  await found.remove();
  const spec = jobSpecOf(job, found, { name: "x", codeHash: "", planHash: "" });
  return { plan: JSON.parse(JSON.stringify(found.plan)), spec: JSON.parse(JSON.stringify(spec)) };
}
