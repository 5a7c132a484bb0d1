/** `tequio replay j-3 17`: one task of a submitted job again, in this process, with its very code
 *  and input. */
import { open as openInspector, waitForDebugger } from "node:inspector";
import { join } from "node:path";
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import { hostId } from "../../link/host.ts";
import type { LocalRun } from "../../sdk/local.ts";
import { openClient } from "../connection.ts";
import { withExamples, withJson, withTarget } from "../options.ts";

type Options = TargetOptions & { readonly json?: boolean; readonly inspect?: boolean };

export function define(command: Command): void {
  command
    .argument("<job>", "id of a submitted job, such as j-3")
    .argument("<task>", "number of its task or map task, from 0")
    .option("--inspect", "wait for a debugger before the job's code is loaded");
  withExamples(withJson(withTarget(command)), [
    ["tequio replay j-3 17", "print what task 17 returns, or what map task 17 emits"],
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
  await replayed({ job, task }, options, async (run) => {
    const { counters, result } = await run();
    if (options.json) return console.log(JSON.stringify({ job, task, counters }));
    const { saveResult } = await import("../../sdk/collect.ts");
    await saveResult(result, { kind: "stream", stream: process.stdout });
  });
}

/** Fetches what the task needs, and calls `use`, which runs it; what was fetched is removed
 *  afterwards. */
export async function replayed(
  { job, task }: { readonly job: string; readonly task: number },
  options: TargetOptions & { readonly json?: boolean },
  use: (run: () => Promise<LocalRun>) => Promise<void>,
): Promise<void> {
  const { judge, pinSequential } = await import("./sequential.ts");
  const { fetchReplay } = await import("../../sdk/replay.ts");
  const client = await openClient(options);
  const submittedAtMs = Math.floor((await client.job(job)).submittedAtMs);
  pinSequential(submittedAtMs);
  const fetched = await fetchReplay(client, { host: hostId(), job, task });
  try {
    const built = { job: fetched.job, file: join(process.cwd(), `${job}.ts`) };
    const given = { ...options, onlyTask: task, submittedAtMs };
    await use(() => judge(built, fetched.planned, given));
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
