/** `tequio report <job>`: the job's page, kept as one HTML file that needs nothing else. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { packageVersion } from "../../client/package-version.ts";
import type { TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import type { JobSummary } from "../../core/summary.ts";
import type { Client } from "../../sdk/client.ts";
import { writeNamed } from "../../sdk/named-file.ts";
import type { Attempts } from "../../wire/api/attempts.ts";
import type { LogLine, Output } from "../../wire/api/messages.ts";
import { openClient } from "../connection.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { wayOf } from "../result/finish.ts";
import { saysWhere } from "../result/readers.ts";
import { builtWebFolder } from "../web-folder.ts";

type Options = TargetOptions & {
  readonly output?: string;
  readonly overwrite?: boolean;
  readonly json?: boolean;
};

/** Of more lines the newest are kept. */
const logLinesMax = 5_000;
/** Of results and bad records their beginning. */
const textMaxBytes = 16 * 1024;
/** Where the page takes the job from. */
const place = `>"kept"<`;

export function define(command: Command): void {
  command
    .argument("<job>", "job id, such as j-7")
    .option("-o, --output <file>", "output file (default: <job>.html; - for standard output)")
    .option("--overwrite", "replace the file");
  withExamples(withJson(withTarget(command)), [
    ["tequio report j-7", "write j-7.html: stages, timeline, errors, log, first results"],
    ["tequio report j-7 -o - | ssh host 'cat > j-7.html'", "write to another machine"],
  ]).action(async (job: string, options: Options) => {
    const { json = false, output = `${job}.html`, overwrite = false } = options;
    if (json && output === "-") {
      const text = "--json says where the page is, and -o - prints it; leave one of them out";
      throw new ClusterError("bad-request", text);
    }
    // Before the work, not after it.
    if (output !== "-") wayOf(output, overwrite);
    const template = await templateText();
    const kept = await keptJob(await openClient(options), job);
    const html = filled(template, kept);
    if (output === "-") {
      process.stdout.write(html);
      return;
    }
    saysWhere({ output, json });
    await write(output, html, overwrite);
    const { state } = kept.summary;
    if (json) return console.log(JSON.stringify({ job, file: output, state }));
    const running = kept.summary.state === "running" ? " (the job still runs)" : "";
    console.log(`the page of ${job} is saved as ${output}${running}`);
  });
}

/** Names and logs come from strangers: nothing of them may end the element that they lie in. */
export function filled(template: string, kept: unknown): string {
  const json = JSON.stringify(kept).replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028");
  return template.replace(place, () => `>${json}<`);
}

async function templateText(): Promise<string> {
  const folder = await builtWebFolder((line) => console.error(line));
  if (folder === null) {
    throw new ClusterError("not-found", "the web page is not built; run `npm run build`");
  }
  return readFileSync(join(folder, "report.html"), "utf8");
}

async function write(path: string, html: string, overwrite: boolean): Promise<void> {
  try {
    await writeNamed(path, pieces(html), overwrite);
  } catch (cause) {
    if (cause instanceof ClusterError) throw cause;
    const { code } = cause as { code?: string };
    const text = `cannot write ${path} (${code}); give another file with -o`;
    throw new ClusterError("bad-request", text, { cause });
  }
}

async function* pieces(html: string): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from(html);
}

/** See src/web/report/kept.ts, which reads it. */
async function keptJob(client: Client, job: string) {
  const summary = await client.job(job);
  const logs: LogLine[] = [];
  let logsCut = false;
  for await (const line of client.logs(job)) {
    logs.push(line);
    if (logs.length <= logLinesMax) continue;
    logs.shift();
    logsCut = true;
  }
  const attempts = await allAttempts(client, job);
  const texts = await beginnings(client, summary);
  const drawn = await drawings(client, job);
  const madeAtMs = Date.now();
  const version = packageVersion();
  return { version, madeAtMs, summary, attempts, logs, logsCut, ...texts, ...drawn };
}

/** Older coordinators have neither. */
async function drawings(client: Client, job: string) {
  const graph = await client.drawn.graph(job).catch(absent);
  const kept = (await client.drawn.profiles(job).catch(absent))?.profiles ?? [];
  const profiles: Array<{ by: string; profile: unknown }> = [];
  for (const { by, hash } of kept) {
    const pieces: Uint8Array[] = [];
    for await (const piece of client.getBlob(hash)) pieces.push(piece);
    profiles.push({ by, profile: JSON.parse(Buffer.concat(pieces).toString("utf8")) });
  }
  return { graph, profiles };
}

function absent(error: unknown): null {
  if (error instanceof ClusterError && error.code === "not-found") return null;
  throw error;
}

async function allAttempts(client: Client, job: string): Promise<Attempts> {
  let answer = await client.attempts(job, 0);
  const ended = [...answer.ended];
  const slots = [...(answer.slots ?? [])];
  while (answer.more) {
    answer = await client.attempts(job, answer.next);
    for (const number of answer.ended) ended.push(number);
    for (const number of answer.slots ?? []) slots.push(number);
  }
  return { ...answer, ended, slots };
}

async function beginnings(
  client: Client,
  summary: JobSummary,
): Promise<Readonly<Record<"resultText" | "failedText" | "badText", string>>> {
  if (summary.state !== "done") return { resultText: "", failedText: "", badText: "" };
  const { badRecords, parts }: Output = await client.output(summary.job);
  const badText = await firstText(client, badRecords[0] ?? "");
  if (summary.stages[0]?.kind === "tasks") {
    const resultText = await firstLines(client.results(summary.job));
    const hasFailed = summary.stages[0].tasksFailed !== undefined;
    const failedText = hasFailed ? await firstLines(client.failedTasks(summary.job)) : "";
    return { resultText, failedText, badText };
  }
  const isText = summary.output !== "bytes";
  const first = parts.find(({ hash }) => hash !== "")?.hash ?? "";
  const resultText = isText ? await firstText(client, first) : "";
  return { resultText, failedText: "", badText };
}

async function firstLines(values: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const value of values) {
    text += `${JSON.stringify(value)}\n`;
    if (text.length > textMaxBytes) break;
  }
  return text;
}

async function firstText(client: Client, hash: string): Promise<string> {
  if (hash === "") return "";
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of client.getBlob(hash)) {
    pieces.push(piece);
    sizeBytes += piece.length;
    if (sizeBytes >= textMaxBytes) break;
  }
  const text = Buffer.concat(pieces).toString("utf8");
  // Whole lines, unless there is only one.
  return sizeBytes < textMaxBytes ? text : text.slice(0, text.lastIndexOf("\n") + 1);
}
