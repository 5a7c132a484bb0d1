/** `tequio map f.ts`: a function of a file as a filter between pipes. Each line is called for as it
 *  comes, and each result is printed as it comes. */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { Cluster } from "../../client/cluster.ts";
import { memoryPerWorker } from "../../client/memory.ts";
import type { TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import type { Client } from "../../sdk/client.ts";
import { linesOf } from "../../sdk/table/lines.ts";
import { enoughMemory } from "../cluster/enough-memory.ts";
import { openClient } from "../connection.ts";
import { Interrupted } from "../faults.ts";
import { countArgument, parseParam, withExamples, withTarget } from "../options.ts";
import { unwritten } from "../result/readers.ts";
import { suggestLocal, withLocalSize } from "./run.ts";

type MapCommandOptions = TargetOptions & {
  readonly ndjson?: boolean;
  readonly unordered?: boolean;
  readonly chunk: number;
  readonly name?: string;
  readonly param?: Readonly<Record<string, string>>;
  readonly local?: boolean;
  readonly workers?: number;
  readonly memory?: number;
};

export function define(command: Command): void {
  command
    .argument("<file>", "file whose default export is the function, such as square.ts")
    .option("--ndjson", "lines are JSON values, not texts; numbers have 15 digits")
    .option("--unordered", "print results as they come, not in the order of the lines")
    .option(
      "--chunk <n>",
      "lines of one task: more is faster for calls under a millisecond",
      countArgument("--chunk", 1, 1_000_000),
      1,
    )
    .option("--name <name>", "display name of its jobs (default: that of the file)")
    .option(
      "--param <name=value>",
      "what the function reads as context.params: JSON, or else text; may be repeated",
      parseParam,
    )
    .option("--local", "run on a temporary cluster inside this process");
  withExamples(withTarget(withLocalSize(command)), [
    ["seq 100 | tequio map square.ts | sort -n", "call the function for each line"],
    ["seq 100 | tequio map --local square.ts", "the same without a coordinator"],
    ["tail -f app.log | tequio map --unordered classify.ts", "results as they come, for ever"],
    ["tequio map --ndjson area.ts < rooms.ndjson", "for each JSON value"],
  ]).action(run);
}

async function run(file: string, options: MapCommandOptions): Promise<void> {
  if (!options.local) {
    for (const name of ["workers", "memory"] as const) {
      if (options[name] === undefined) continue;
      throw new ClusterError("bad-request", `--${name} is for --local; see \`tequio up --help\``);
    }
    const client = await openClient(options).catch(suggestLocal);
    try {
      return await filter(client, file, options);
    } finally {
      client.close();
    }
  }
  const slots = options.workers ?? availableParallelism();
  const memoryBytes = enoughMemory(options.memory, slots) ?? memoryPerWorker(slots) * slots;
  const { withEmbedded } = await import("./embedded.ts");
  const use = (client: Client) => filter(client, file, options);
  await withEmbedded({ slots, memoryBytes, isPython: false }, use);
}

async function filter(client: Client, file: string, options: MapCommandOptions): Promise<void> {
  const cluster = new Cluster(client, async () => {});
  const { chunk, name, param = {}, unordered = false } = options;
  const stop = new AbortController();
  const onSignal = () => stop.abort(new Interrupted());
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  const output = new Output(stop);
  const results = cluster.mapFile(itemsOf(options.ndjson === true), file, {
    params: paramsOf(param),
    ordered: !unordered,
    chunk,
    ...(name === undefined ? {} : { name }),
    signal: stop.signal,
  });
  try {
    for await (const result of results) await output.write(result);
  } catch (error) {
    // Its reader has all that it wants, as `head` does.
    if (!output.isClosed) throw error;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    // A source that waits for its next line would keep the process.
    process.stdin.destroy();
  }
}

async function* itemsOf(isJson: boolean): AsyncGenerator<unknown, void> {
  let number = 0;
  for await (const line of linesOf(process.stdin)) {
    number++;
    if (!isJson) yield line.replace(/\r$/, "");
    // As `text.json` reads it.
    else if (line.trim() !== "") yield parsed(line, number);
  }
}

function parsed(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    const text = `line ${number} of standard input is no JSON: --ndjson is for a JSON text a line`;
    throw new ClusterError("bad-request", text, { cause });
  }
}

/** What is no JSON is text. */
function paramsOf(given: Readonly<Record<string, string>>) {
  const read = (text: string) => {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  };
  return Object.fromEntries(Object.entries(given).map(([name, text]) => [name, read(text)]));
}

/** Standard output, a result a line: texts as they are, all else as JSON. */
class Output {
  isClosed = false;
  readonly #stop: AbortController;

  /** Aborts `stop` when nothing more can be written. */
  constructor(stop: AbortController) {
    this.#stop = stop;
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
      this.isClosed = error.code === "EPIPE";
      stop.abort(unwritten(error, "standard output"));
    });
  }

  /** Resolves when there is room for the next. */
  async write(result: unknown): Promise<void> {
    const text = typeof result === "string" ? result : JSON.stringify(result);
    if (process.stdout.write(`${text}\n`)) return;
    // Why it stops is thrown by the mapping.
    await once(process.stdout, "drain", { signal: this.#stop.signal }).catch(() => {});
  }
}
