/** `tequio join <url>`: this machine's cores for a coordinator, until Ctrl-C. */
import { createHash } from "node:crypto";
import { availableParallelism, hostname } from "node:os";
import { join as joinPath, resolve } from "node:path";
import { type Command, Option } from "commander";
import { ClusterError } from "../../core/error.ts";
import { defaultRules } from "../../core/worker.ts";
import { makeDirectory } from "../../store/directory.ts";
import type { FileLock } from "../../store/log/lock.ts";
import type { RunningWorker } from "../../worker/node.ts";
import { plural } from "../numbers.ts";
import {
  countArgument,
  durationArgument,
  sizeArgument,
  withExamples,
  withJson,
} from "../options.ts";
import { packageVersion } from "../package-version.ts";
import { coordinatorUrl, dataDirOf, tokenOf } from "../place.ts";
import { enoughMemory } from "./enough-memory.ts";
import { type Tell, teller } from "./join/news.ts";
import { recordOf, writeRecord } from "./process/record.ts";
import { memoryPerWorker, sandboxOption } from "./up.ts";

type Options = {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly fingerprint?: string;
  readonly slots: number;
  readonly memory?: number;
  readonly scratch?: number;
  readonly lowWater?: number;
  readonly name: string;
  readonly data?: string;
  readonly store?: string;
  readonly record?: string;
  readonly listen: string;
  readonly sandbox: "auto" | "strict" | "basic";
  readonly dialTimeout: number;
  readonly giveUp: number;
  readonly json?: boolean;
};

export function define(command: Command): void {
  const cores = availableParallelism();
  command
    .argument("<url>", "address of the coordinator, such as http://host:7070")
    .option("--token <token>", "join token, as printed by `tequio up`")
    .option("--token-file <file>", "file with the join token, mode 0600 (or $TEQUIO_TOKEN)")
    .option("--fingerprint <hex>", "refuse a coordinator with a different certificate")
    .option("--slots <n>", "tasks at once", countArgument("--slots", 1, 1024), cores)
    .option(
      "--memory <size>",
      "memory for all tasks together, such as 2G",
      sizeArgument("--memory"),
    )
    .option(
      "--scratch <size>",
      "disk space for files of all running tasks (default: 75 % of the free space)",
      sizeArgument("--scratch"),
    )
    .option(
      "--low-water <size>",
      "accept no new task below this much free disk space (default: 128M, or 2.5 % of a " +
        "small disk)",
      sizeArgument("--low-water"),
    )
    .option("--name <name>", "name of this worker in lists", hostname())
    .option("--data <dir>", "directory for what this worker has computed")
    .option("--store <dir>", "blobs/ of a coordinator on this machine: results are not copied")
    .addOption(new Option("--record <file>", "written by a worker of `up`").hideHelp())
    .option(
      "--listen <address>",
      "address from which other workers fetch; none = do not listen",
      "0.0.0.0:0",
    )
    .addOption(sandboxOption())
    .addOption(
      new Option("--dial-timeout <time>", "time limit of one attempt to reach the coordinator")
        .argParser(durationArgument("--dial-timeout"))
        .default(defaultRules.joinTimeoutMs, "10s"),
    )
    .addOption(
      new Option("--give-up <time>", "exit when no coordinator answers for this long")
        .argParser(durationArgument("--give-up"))
        .default(0, "never"),
    );
  withExamples(withJson(command), [
    ["tequio join http://host:7070 --token mrt_join_…", "contribute all cores of this machine"],
    [
      "tequio join https://host:7070 --token-file t --slots 2 --memory 1G",
      "contribute two cores and at most 1 GiB of memory",
    ],
    [
      "tequio join http://host:7070 --token-file t --give-up 5m",
      "exit with code 3 when no coordinator answers for 5 minutes",
    ],
  ]).action(join);
}

/** How long running tasks may take to be handed back after Ctrl-C, in ms. */
const leaveMs = 5000;
/** Between two lines that tell how many tasks are done, in ms. */
const tellEveryMs = 10_000;

async function join(address: string, options: Options): Promise<void> {
  enoughMemory(options.memory, options.slots);
  const url = coordinatorUrl(address);
  const token = tokenOf(options);
  if (token === null) {
    throw new ClusterError(
      "unauthenticated",
      "no join token; `tequio up` prints one, or: tequio token create --role worker",
    );
  }
  const dataDir = options.data === undefined ? joinedDir(url) : resolve(options.data);
  const lock = await holdDir(dataDir);
  if (options.record !== undefined) writeRecord(options.record, recordOf(process.pid, address));
  const left = Promise.withResolvers<null>();
  const onSignal = () => left.resolve(null);
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const tell = teller(options.json === true, (line) => console.log(line));
  try {
    const worker = await openWorker(url, { ...options, token, dataDir, tell });
    const { slots } = options;
    const greeting = `${plural(slots, "slot")}, sandbox ${worker.sandbox}, coordinator ${url}`;
    tell.say("started", greeting, { url, slots, sandbox: worker.sandbox });
    const hush = sayTasks(worker, tell);
    const failure = await Promise.race([worker.ended, left.promise]).finally(hush);
    await worker.stop(leaveMs);
    if (failure !== null) throw new ClusterError(failure.code, failure.message);
    sayLeft(worker, tell);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    lock.release();
  }
}

async function openWorker(
  url: string,
  options: Options & { readonly token: string; readonly dataDir: string; readonly tell: Tell },
): Promise<RunningWorker> {
  const { startWorker } = await import("../../worker/node.ts");
  const { token, dataDir, slots, name, sandbox, listen, tell } = options;
  return startWorker({
    url,
    token,
    fingerprint: options.fingerprint ?? "",
    dataDir,
    slots,
    memoryBytes: options.memory ?? memoryPerWorker(1),
    ...(options.scratch === undefined ? {} : { scratchBytes: options.scratch }),
    ...(options.lowWater === undefined ? {} : { lowWaterBytes: options.lowWater }),
    ...(options.store === undefined ? {} : { storeDir: options.store }),
    name,
    sandbox,
    listen,
    version: packageVersion(),
    dialTimeoutMs: options.dialTimeout,
    giveUpMs: options.giveUp,
    onNews: ({ kind, text, retryMs }) => tell.news(kind, text, retryMs),
  });
}

/** Now and then how much was done, when it has grown. The returned function ends it. */
function sayTasks(worker: RunningWorker, { say }: Tell): () => void {
  let told = 0;
  const timer = setInterval(() => {
    const done = worker.tasksDone();
    if (done > told) say("tasks", `${plural(done, "task")} done`, { tasksDone: done });
    told = done;
  }, tellEveryMs);
  return () => clearInterval(timer);
}

function sayLeft(worker: RunningWorker, { say }: Tell): void {
  const [id, done] = [worker.id(), worker.tasksDone()];
  const end = id === "" ? "ended before it had joined" : `${id} has left`;
  say("left", `${end}; ${plural(done, "task")} done`, { worker: id || null, tasksDone: done });
}

/** A second worker in the same directory would sweep away what the first one serves. */
async function holdDir(dir: string): Promise<FileLock> {
  const { lockFile } = await import("../../store/log/lock.ts");
  makeDirectory(dir);
  const lock = lockFile(joinPath(dir, "worker.lock"), false);
  if (lock !== null) return lock;
  throw new ClusterError(
    "conflict",
    `another worker on this machine uses ${dir}; stop it, or give this one --data <dir>`,
  );
}

/** One per coordinator, so that a machine may work for several. */
function joinedDir(url: string): string {
  const name = createHash("sha256").update(url).digest("hex").slice(0, 12);
  return joinPath(dataDirOf(undefined), "joined", name);
}
