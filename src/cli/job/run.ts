/** `tequio run job.ts inputs…`: build, plan, submit, follow, collect; on a cluster, inside this
 *  process (`--local`), or without any cluster (`--sequential`). */
import { availableParallelism } from "node:os";
import process from "node:process";
import { type Command, Option } from "commander";
import { memoryPerWorker } from "../../client/memory.ts";
import { ClusterError } from "../../core/error.ts";
import { priorities, pythonEngines, shuffles, trusts } from "../../core/job.ts";
import type { BuiltJob } from "../../sdk/bundle.ts";
import type { Client } from "../../sdk/client.ts";
import { outputOf } from "../../sdk/table/shape.ts";
import type { Submitted } from "../../wire/api/messages.ts";
import { enoughMemory } from "../cluster/enough-memory.ts";
import { placeArgument } from "../cluster/up/filesystem-options.ts";
import { openClient } from "../connection.ts";
import { followJob } from "../follow/follow.ts";
import { shown } from "../follow/transfer.ts";
import { bytesText } from "../numbers.ts";
import {
  countArgument,
  durationArgument,
  parseParam,
  sizeArgument,
  withExamples,
  withJson,
  withTarget,
} from "../options.ts";
import { quoted, toPaste } from "../paste.ts";
import {
  collectJob,
  destinationOf,
  refuseOtherFormat,
  refuseTaken,
  withResult,
} from "../result/finish.ts";
import { isForPrograms } from "../result/readers.ts";
import { safeText } from "../text.ts";
import { refuseIgnored } from "./ignored-options.ts";
import { withJobConsole } from "./job-console.ts";
import { inNamedFormat } from "./named-format.ts";
import { jobName, planOptions, type RunOptions, trustOptions } from "./plan-options.ts";

export function define(command: Command): void {
  command
    .argument("<job>", "job file, such as word-count.ts or word-count.py")
    .argument(
      "[inputs...]",
      "files, folders, 'globs', shared:NAME, name=path, - for standard input",
    );
  withPlan(command);
  withResult(withModules(command))
    .option(
      "--keep-going",
      "of a list of tasks: when some fail, save the results of the others, and the failed with " +
        "their items in _bad; exit with 1",
    )
    .option("--watch", "also print the job's log lines and failed attempts")
    .option("--detach", "submit, print the job's id and exit");
  withExamples(withJson(withTarget(withElsewhere(withLocal(withTrust(command))))), [
    ["tequio run words.ts books/*.txt -o out/", "run on the coordinator of this machine"],
    ["tequio run --local words.ts 'logs/**/*.gz'", "run without a coordinator"],
    [
      "tequio run --local --workers 2 --memory 1G words.ts books/*.txt",
      "run two tasks at once, in 1 GiB of memory",
    ],
    ["tequio run --sequential words.ts small.txt -o -", "run task by task, for debugging"],
    ["tequio run words.ts shared:books", "read files that members share, where they are"],
    ["tequio run join.ts users=u.csv orders=o.ndjson", "name the inputs of the job"],
    ["tequio run words.ts books/*.txt --share volunteers", "let volunteers compute it, too"],
    ["tequio run words.py books/*.txt", "run a job in Python"],
    ["tequio run words.ts books/*.txt --shuffle s3", "lose no work when spot machines vanish"],
    ["tequio run primes.wasm 100 1000 @more.txt", "run a WebAssembly module once for each item"],
    ["tequio run primes.wasm 1000000 --timeout 1m", "give each item at most a minute"],
    ["tequio run pi.ts --param rounds=1000 --json", "print JSON for programs"],
    [
      "tequio run words.py data.txt --filesystem tcp://10.0.0.2:8080",
      "run on an existing system of the filesystem protocol",
    ],
  ]).action(run);
}

/** Options of the job and of its plan. */
export function withPlan(command: Command): Command {
  return command
    .option("--name <name>", "display name (default: that of the job or of its file)")
    .option("--param <name=value>", "a parameter of the job; may be repeated", parseParam)
    .option(
      "--reducers <n>",
      "number of reduce tasks (= output files)",
      countArgument("--reducers", 0, 100_000),
    )
    .option(
      "--split-bytes <size>",
      "split size: input of one map task (default: 64M)",
      sizeArgument("--split-bytes"),
    )
    .option(
      "--key <key>",
      "name of this submission: the same job with the same key is not started twice",
    )
    .addOption(
      new Option(
        "--priority <p>",
        "share of the slots among your jobs: high is 4 times normal (the default), low a quarter",
      ).choices(priorities),
    )
    .addOption(
      new Option(
        "--shuffle <where>",
        "keep map outputs at the workers, or in the S3 of the coordinator's --blobs, where they " +
          "outlive the workers (default: as the coordinator was started)",
      ).choices(shuffles),
    )
    .option("--allow-basic-browsers", "let browsers that speak only the base protocol run this job")
    .addOption(engineOption())
    .option(
      "--wheels <folder>",
      "of a job in Python: the wheels in it travel that the job's `requires` names",
    );
}

/** Who may compute it, and how that is checked. */
function withTrust(command: Command): Command {
  return command
    .option("--share <with>", "let volunteers compute it, who see its code and data: volunteers")
    .addOption(
      new Option(
        "--trust <how>",
        "which results are compared with a second one: audit a share of them (the default with " +
          "--share; without it, by own workers that are idle), quorum all of those of volunteers",
      ).choices(trusts),
    )
    .option(
      "--quorum <m/n>",
      "with --trust quorum: m volunteers agree, of at most n (default 2/9)",
    );
}

function engineOption(): Option {
  const text = "of a job in Python: run it on Node workers (cpython) or in browser tabs (pyodide)";
  return new Option("--engine <engine>", `${text} alone (default: on both)`).choices(pythonEngines);
}

function withModules(command: Command): Command {
  return command.option(
    "--timeout <time>",
    "of a WebAssembly module: time limit of each item (default: none)",
    durationArgument("--timeout"),
  );
}

function withElsewhere(command: Command): Command {
  return command
    .option(
      "--filesystem <place>",
      "run mapper, reducer and combiner of a Python file on an existing system of the filesystem " +
        "protocol, whose file system is there (needs the package zeromq)",
      placeArgument,
    )
    .option(
      "--jobtracker <place>",
      "the same: a worker of that system (default: one that answers at UDP port 7999 of the file " +
        "system's host, else its port 7998)",
      placeArgument,
    );
}

/** Where the job runs when it is on no cluster. */
export function withLocal(command: Command): Command {
  return withLocalSize(
    command
      .option("--local", "run on a temporary cluster inside this process")
      .option("--sequential", "run without a cluster, one task after another"),
  );
}

/** How large the cluster of `--local` is. */
export function withLocalSize(command: Command): Command {
  return command
    .option(
      "--workers <n>",
      "with --local: tasks that run at the same time",
      countArgument("--workers", 1, 1024),
    )
    .option(
      "--memory <size>",
      "with --local: memory for all tasks together, such as 2G (default: at most half of all)",
      sizeArgument("--memory"),
    );
}

async function run(file: string, given: string[], options: RunOptions): Promise<void> {
  refuseIgnored(options);
  if (options.filesystem !== undefined || options.jobtracker !== undefined) {
    const { runElsewhereOf } = await import("./elsewhere.ts");
    return runElsewhereOf(file, given, options);
  }
  // What follows a module are its items, not files.
  const isModule = file.endsWith(".wasm");
  if (options.timeout !== undefined && !isModule) {
    const text = "--timeout is for WebAssembly modules; other jobs set timeoutMs in their file";
    throw new ClusterError("bad-request", text);
  }
  const build = () => (isModule ? ofModule(file, given, options) : of(file, options));
  await runBuilt(build, isModule ? [] : given, options, file.endsWith(".py"));
}

/** Runs what `build` makes where the options say. */
export async function runBuilt(
  build: () => Promise<BuiltJob>,
  inputs: string[],
  options: RunOptions,
  isPython = false,
): Promise<void> {
  enoughMemory(options.memory, localSlots(options));
  const toPeople = (line: string) => {
    if (!isForPrograms(options)) process.stderr.write(`${safeText(line)}\n`);
  };
  const building = async () => {
    return inNamedFormat(await withJobConsole(toPeople, build), options);
  };
  const { watchStrays } = await import("./strays.ts");
  watchStrays((line) => !options.json && toPeople(line));
  if (options.sequential) {
    const { pinSequential, runSequential } = await import("./sequential.ts");
    pinSequential();
    return runSequential(await building(), inputs, options);
  }
  if (!options.local) {
    // The coordinator first: it is cheaper to ask than to build.
    const client = await openClient(options).catch(suggestLocal);
    return runOn(client, await building(), inputs, options);
  }
  const { withEmbedded } = await import("./embedded.ts");
  // At the same time as the cluster starts; its error is seen where it is awaited.
  const built = building();
  built.catch(() => {});
  const slots = localSlots(options);
  const memoryBytes = options.memory ?? memoryPerWorker(slots) * slots;
  await withEmbedded({ slots, memoryBytes, isPython }, async (client) =>
    runOn(client, withoutTabs(await built), inputs, options),
  );
}

/** No tab joins a cluster inside this process. */
function withoutTabs(built: BuiltJob): BuiltJob {
  if (built.job.foreign?.program.engine !== "pyodide") return built;
  const text = "the job runs in browser tabs alone, and none can join --local: leave --local out";
  throw new ClusterError("bad-request", text);
}

async function of(file: string, { sequential, wheels }: RunOptions): Promise<BuiltJob> {
  const [{ bundleJob }, { keptBuilds }, { withEvenGlobals }] = await Promise.all([
    import("../../sdk/bundle.ts"),
    import("./kept-builds.ts"),
    import("../../environment/globals.ts"),
  ]);
  const evaluate = sequential ? withEvenGlobals : undefined;
  return bundleJob(file, { wheels, cache: keptBuilds, evaluate });
}

async function ofModule(
  file: string,
  items: readonly string[],
  { timeout, wheels }: RunOptions,
): Promise<BuiltJob> {
  if (wheels !== undefined) {
    throw new ClusterError("bad-request", "--wheels is for jobs in Python; leave it out");
  }
  const { buildModuleJob } = await import("../../sdk/module-job.ts");
  return buildModuleJob(file, items, timeout);
}

function localSlots({ workers }: RunOptions): number {
  return workers ?? availableParallelism();
}

/** For commands that can do without a coordinator. */
export function suggestLocal(error: unknown): never {
  if (!(error instanceof ClusterError) || error.code !== "unavailable") throw error;
  throw new ClusterError("unavailable", `${error.text}, or run without a cluster: --local`, {
    cause: error,
  });
}

async function runOn(
  client: Client,
  built: BuiltJob,
  inputs: readonly string[],
  options: RunOptions,
): Promise<void> {
  const gone = options.local ?? false;
  const quiet = options.json ?? false;
  // Before the work, not after it: a wish that cannot be met must not cost a job.
  const to = destinationOf(options, "");
  refuseTaken(to);
  refuseOtherFormat(to, outputOf(built.job));
  if (options.keepGoing && built.job.kind !== "tasks") {
    const text = '--keep-going is for lists of tasks; records are set aside by badRecords: "keep"';
    throw new ClusterError("bad-request", text);
  }
  const { existed: isKnown = false, job } = await submit(client, built, inputs, options);
  const news = isKnown
    ? `${job} exists already, by the key ${quoted(options.key ?? "")}: it is ` +
      (await client.job(job)).state
    : `${job} is submitted${options.detach ? "" : ` to ${client.url}`}`;
  const { share } = trustOptions(options, built.job.options);
  if (share !== undefined && !quiet && !gone) console.error(sharedText);
  if (options.detach) {
    console.log(quiet ? JSON.stringify({ job, existed: isKnown }) : job);
    const attach = toPaste(options, "attach", job);
    if (!quiet) console.error(`${news}; follow it with: ${attach}`);
    return;
  }
  if (!quiet && !gone) console.error(news);
  const watch = options.watch ?? false;
  // How far it is goes beside the JSON, which standard output has.
  const follow = {
    quiet: isForPrograms(options),
    watch,
    detachable: !gone,
    connection: options,
  };
  const summary = await followJob(client, job, follow);
  await collectJob(client, summary, { ...options, gone });
}

/** What a submitter allows by `share`. */
const sharedText =
  "volunteers may compute it: they can read its code and parameters, and the inputs and " +
  "intermediate results of the tasks that they get";

async function submit(
  client: Client,
  built: BuiltJob,
  inputs: readonly string[],
  options: RunOptions,
): Promise<Submitted> {
  const [{ planJob }, { submitKeyed }, { hostId }, { endJobCode }] = await Promise.all([
    import("../../sdk/plan.ts"),
    import("../../sdk/submit.ts"),
    import("../../link/host.ts"),
    import("./strays.ts"),
  ]);
  const shared = (wanted: string) => client.sharedInputs(wanted);
  const planned = await planJob(built.job, {
    ...planOptions(built.job.kind, inputs, options),
    shared,
    host: hostId(),
  });
  try {
    const name = jobName(built, options);
    const { allowBasicBrowsers: bareBrowsers = false, engine, keepGoing, key = null } = options;
    const { priority = "normal" } = options;
    const trust = trustOptions(options, built.job.options);
    const special = {
      ...(engine === undefined ? {} : { engine }),
      ...(keepGoing === undefined ? {} : { keepGoing }),
      ...(options.shuffle === undefined ? {} : { shuffle: options.shuffle }),
    };
    const common = { name, key, bareBrowsers, priority, trust };
    const texts = {
      label: "sending",
      quiet: isForPrograms(options),
      silent: isForPrograms(options),
      stopped: (doneBytes: number) => sendStopped(submitted, doneBytes),
    };
    let submitted: Submitted | null = null;
    return await shown(texts, async (upload) => {
      submitted = await submitKeyed(client, built, planned, { ...common, ...special, upload });
      // Ctrl-C was a moment late.
      upload.signal.throwIfAborted();
      return submitted;
    });
  } finally {
    endJobCode();
    await planned.remove();
  }
}

function sendStopped(submitted: Submitted | null, doneBytes: number): string {
  if (submitted !== null) return `${submitted.job} is submitted, and goes on`;
  if (doneBytes === 0) return "stopped; nothing was submitted";
  const kept = `the coordinator keeps the ${bytesText(doneBytes)} that it has for a day`;
  return `stopped, nothing was submitted; ${kept}: the same command goes on there`;
}
