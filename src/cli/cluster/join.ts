/** `tequio join <url>`: this machine's cores for a coordinator, until Ctrl-C. */
import { createHash } from "node:crypto";
import { availableParallelism, hostname } from "node:os";
import { join as joinPath } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Command, Option } from "commander";
import { ClusterError } from "../../core/error.ts";
import { durationText } from "../numbers.ts";
import { countArgument, durationArgument, sizeArgument, withExamples } from "../options.ts";
import { coordinatorUrl, dataDirOf, tokenOf } from "../place.ts";
import { oneLine } from "../text.ts";
import { memoryPerWorker, sandboxOption } from "./up.ts";

type Options = {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly fingerprint?: string;
  readonly slots: number;
  readonly memory?: number;
  readonly name: string;
  readonly data?: string;
  readonly listen: string;
  readonly sandbox: "auto" | "strict" | "basic";
  readonly giveUp: number;
};

export function define(command: Command): void {
  const cores = availableParallelism();
  command
    .argument("<url>", "address of the coordinator, as http://host:7070")
    .option("--token <token>", "join token, as `tequio up` prints it")
    .option("--token-file <file>", "file with it, mode 0600 (or $TEQUIO_TOKEN)")
    .option("--fingerprint <hex>", "refuse a coordinator with another key")
    .option("--slots <n>", "tasks at once", countArgument("--slots", 1, 1024), cores)
    .option("--memory <size>", "memory for all of them, as 2G", sizeArgument("--memory"))
    .option("--name <name>", "how people call this worker", hostname())
    .option("--data <dir>", "where it keeps what it has computed")
    .option("--listen <address>", "where other workers fetch from it", "0.0.0.0:0")
    .addOption(sandboxOption())
    .addOption(
      new Option("--give-up <time>", "end when no coordinator answers for this long")
        .argParser(durationArgument("--give-up"))
        .default(0, "never"),
    );
  withExamples(command, [
    ["tequio join http://host:7070 --token mrt_join_…", "all cores of this machine"],
    ["tequio join https://host:7070 --token-file t --slots 2 --memory 1G", "two, with a bound"],
  ]).action(join);
}

/** How long running tasks may take to be handed back after Ctrl-C, in ms. */
const leaveMs = 5000;
/** How often the coordinator is asked whether it is there, with --give-up, in ms. */
const askEveryMs = 5000;

async function join(address: string, options: Options): Promise<void> {
  const url = coordinatorUrl(address);
  const token = tokenOf(options);
  if (token === null) {
    throw new ClusterError(
      "unauthenticated",
      "no join token; `tequio up` prints one, or: tequio token create --role worker",
    );
  }
  const { startWorker } = await import("../../worker/node.ts");
  const fingerprint = options.fingerprint ?? "";
  const end = Promise.withResolvers<"asked">();
  const onSignal = () => end.resolve("asked");
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const worker = await startWorker({
    url,
    token,
    fingerprint,
    dataDir: options.data ?? joinedDir(url),
    slots: options.slots,
    memoryBytes: options.memory ?? memoryPerWorker(1),
    name: options.name,
    sandbox: options.sandbox,
    listen: options.listen,
    onNews: (text) => console.log(`${new Date().toISOString()} ${oneLine(text)}`),
  });
  const giveUp = new AbortController();
  const lonely = whenLonely({ url, fingerprint, afterMs: options.giveUp, signal: giveUp.signal });
  try {
    const failure = await Promise.race([worker.ended, end.promise, lonely]);
    if (failure === null || failure === "asked") return;
    throw new ClusterError(failure.code, failure.message);
  } finally {
    giveUp.abort();
    await worker.stop(leaveMs);
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** One per coordinator, so that a machine may work for several. */
function joinedDir(url: string): string {
  const name = createHash("sha256").update(url).digest("hex").slice(0, 12);
  return joinPath(dataDirOf(undefined), "joined", name);
}

type Lonely = {
  readonly url: string;
  readonly fingerprint: string;
  /** 0 = never. */
  readonly afterMs: number;
  readonly signal: AbortSignal;
};

/** Rejects once no coordinator has answered for `afterMs`: nobody will take this worker over. */
async function whenLonely({ url, fingerprint, afterMs, signal }: Lonely): Promise<never> {
  const never = new Promise<never>(() => {});
  if (afterMs === 0) return never;
  const { Client } = await import("../../sdk/client.ts");
  const client = new Client({ url, token: "", fingerprint });
  const everyMs = Math.min(askEveryMs, afterMs / 4);
  for (let heardMs = performance.now(); performance.now() - heardMs < afterMs; ) {
    await delay(everyMs, null, { signal, ref: false }).catch(() => {});
    if (signal.aborted) return never;
    const answers = await client.health().then(
      () => true,
      () => false,
    );
    if (answers) heardMs = performance.now();
  }
  throw new ClusterError(
    "unavailable",
    `no coordinator at ${url} for ${durationText(afterMs)}; this worker ends`,
  );
}
