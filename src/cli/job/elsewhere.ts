/** `tequio run job.py data --filesystem tcp://host:8080`: the job runs on an existing system of the
 *  filesystem protocol, and its result is saved as one of our own cluster. */
import { basename } from "node:path";
import { ClusterError } from "../../core/error.ts";
import { isLoopback, type Listen } from "../../link/listen.ts";
import { askAround, questionHosts } from "../../peer/discovery.ts";
import type { JobResult } from "../../sdk/collect.ts";
import { workerQuestionPort } from "../../wire/filesystem/discovery.ts";
import { destinationOf, refuseTaken, tell } from "../result/finish.ts";
import { safeText } from "../text.ts";
import type { RunOptions } from "./plan-options.ts";

/** Of existing workers. */
const workerPort = 7998;
const quietMs = 1_000;

export async function runElsewhereOf(
  file: string,
  inputs: readonly string[],
  options: RunOptions,
): Promise<void> {
  refuseUnfit(file, inputs);
  const name = options.name ?? basename(file, ".py");
  const to = destinationOf(options, name);
  refuseTaken(to);
  const startMs = performance.now();
  const { runElsewhere } = await import("../../jobtracker/client/client.ts");
  const { resultLines } = await import("../../jobtracker/client/rows.ts");
  const { saveResult } = await import("../../sdk/collect.ts");
  const say = (line: string) => {
    if (!options.json) process.stderr.write(`${safeText(line)}\n`);
  };
  const { filesystem = null, jobtracker } = options;
  const result = await runElsewhere({
    functionsPath: file,
    dataPath: inputs[0] as string,
    filesystem,
    worker: jobtracker ?? (await workerNear(filesystem)),
    onNews: say,
  });
  const lines = [...resultLines(result)];
  const saved = await saveResult(resultOf(lines), to);
  if (options.json) {
    const { files, sizeBytes } = saved;
    const ended = { name, durationMs: performance.now() - startMs, files, sizeBytes };
    return tell({ ...nothingElse, ...ended, records: lines.length }, null, options);
  }
  const where = to.kind === "stream" ? "" : ` in ${saved.files.join(", ")}`;
  say(`done: ${lines.length} pairs${where}`);
}

/** Of what our own clusters report. */
const nothingElse = { waitedMs: 0, counters: {}, dir: "", bad: null, leftOut: 0 };

function refuseUnfit(file: string, inputs: readonly string[]): void {
  if (file.endsWith(".py") && inputs.length === 1) return;
  const text = "--filesystem and --jobtracker run a Python file with mapper, reducer and combiner";
  throw new ClusterError("bad-request", `${text} on one data file: tequio run job.py data.txt`);
}

/** One that answers where the file system is, else one of the networks around; else it is taken to
 *  be beside the file system, at the usual port. */
async function workerNear(filesystem: Listen | null): Promise<Listen> {
  const host = filesystem?.host ?? "127.0.0.1";
  // Where the file system is on loopback, so are its workers: those of the network are others'.
  const places = isLoopback(host) ? [[host]] : [[host], questionHosts("0.0.0.0")];
  for (const hosts of places) {
    const asked = { hosts, port: workerQuestionPort, quietMs, answersMax: 1 };
    const [found] = await askAround(asked).catch(() => []);
    if (found !== undefined) return found;
  }
  return { host, port: workerPort };
}

function resultOf(lines: readonly string[]): JobResult {
  const bytes = Buffer.from(lines.join(""));
  const part = {
    sizeBytes: bytes.length,
    async *read() {
      yield bytes;
    },
  };
  return { kind: "parts", format: "ndjson", parts: [part], badRecords: [] };
}
