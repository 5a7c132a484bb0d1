/** `tequio replay j-3 17`: one task of a submitted job again, in this process, with its very code
 *  and input. */
import { isUtf8 } from "node:buffer";
import { open as openInspector, waitForDebugger } from "node:inspector";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import { withEvenGlobals } from "../../environment/globals.ts";
import { hostId } from "../../link/host.ts";
import type { LocalRun } from "../../sdk/local.ts";
import type { Wanted } from "../../sdk/replay.ts";
import { openClient } from "../connection.ts";
import { JobFailed } from "../faults.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { answer } from "../result/answer.ts";

type Options = TargetOptions & {
  readonly json?: boolean;
  readonly inspect?: boolean;
  readonly reduce?: boolean;
};

export const reduceHelp = "the number is that of a reduce task: all map tasks run here first";

export function define(command: Command): void {
  command
    .argument("<job>", "id of a submitted job, such as j-3")
    .argument("<task>", "number of its task or map task, from 0")
    .option("--reduce", reduceHelp)
    .option("--inspect", "wait for a debugger before the job's code is loaded");
  withExamples(withJson(withTarget(command)), [
    ["tequio replay j-3 17", "print what task 17 returns, or what map task 17 emits"],
    [
      "tequio replay j-3 2 --reduce",
      "print what reduce task 2 writes; all map tasks run before it",
    ],
    ["tequio replay j-3 17 --inspect", "open chrome://inspect, or attach your editor, first"],
  ]).action(replay);
}

async function replay(job: string, text: string, options: Options): Promise<void> {
  const task = numberOfTask(text, "replay");
  if (options.inspect) {
    // Of this machine alone, on the port that debuggers try.
    openInspector(9229, "127.0.0.1");
    waitForDebugger();
  }
  const wanted = { job, task, isReduce: options.reduce === true };
  await replayed(wanted, options, async (run) => {
    const { counters, result } = await run();
    const { saveResult } = await import("../../sdk/collect.ts");
    if (options.json !== true) {
      await saveResult(result, { kind: "stream", stream: process.stdout });
      return;
    }
    const kept = new Kept();
    await saveResult(result, { kind: "stream", stream: kept });
    answer({ job, task, failure: null, counters, ...kept.shown() }, {});
  });
}

/** What would be printed without `--json`. */
class Kept extends Writable {
  readonly #chunks: Uint8Array[] = [];

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  /** Tables such as Parquet are no text. */
  shown(): { readonly result: string } | { readonly resultBase64: string } {
    const bytes = Buffer.concat(this.#chunks);
    return isUtf8(bytes)
      ? { result: bytes.toString("utf8") }
      : { resultBase64: bytes.toString("base64") };
  }
}

/** Fetches what the task needs, and calls `use`, which runs it and may give what to do when the
 *  task itself begins; what was fetched is removed afterwards. */
export async function replayed(
  wanted: Wanted,
  options: TargetOptions & { readonly json?: boolean },
  use: (run: (onStart?: () => Promise<void>) => Promise<LocalRun>) => Promise<void>,
): Promise<void> {
  const { judge, pinSequential } = await import("./sequential.ts");
  const { fetchReplay } = await import("../../sdk/replay.ts");
  const { job, task } = wanted;
  const client = await openClient(options);
  const submittedAtMs = Math.floor((await client.job(job)).submittedAtMs);
  pinSequential(submittedAtMs);
  const fetched = await fetchReplay(client, {
    host: hostId(),
    evaluate: withEvenGlobals,
    ...wanted,
  });
  try {
    const built = { job: fetched.job, file: join(process.cwd(), `${job}.ts`) };
    const { stage } = fetched;
    await use((onStart) => {
      const only = { stage, task, ...(onStart === undefined ? {} : { onStart }) };
      return judge(built, fetched.planned, { ...options, only, submittedAtMs });
    });
  } catch (error) {
    if (options.json && error instanceof JobFailed) {
      const { code, text: message } = error;
      answer({ job, task, failure: { code, message } }, {});
    }
    throw error;
  } finally {
    await fetched.remove();
  }
}

/** Throws `bad-request`, with an example of `command`, for what is no number of a task. */
export function numberOfTask(task: string, command: string): number {
  if (/^\d{1,8}$/.test(task)) return Number(task);
  const text = `"${task.slice(0, 50)}" is no number of a task`;
  throw new ClusterError("bad-request", `${text}; write for instance: ${command} j-3 17`);
}
