/** `tequio replay j-3 17`: one task of a submitted job again, in this process, with its very code
 *  and input. */
import { open as openInspector, waitForDebugger } from "node:inspector";
import { join } from "node:path";
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import { hostId } from "../../link/host.ts";
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

async function replay(job: string, task: string, options: Options): Promise<void> {
  if (!/^\d{1,8}$/.test(task)) {
    const text = `"${task.slice(0, 50)}" is no number of a task; write for instance: replay j-3 17`;
    throw new ClusterError("bad-request", text);
  }
  const { judge, pinSequential } = await import("./sequential.ts");
  const { saveResult } = await import("../../sdk/collect.ts");
  const { fetchReplay } = await import("../../sdk/replay.ts");
  const client = await openClient(options);
  if (options.inspect) {
    // Of this machine alone, on the port that debuggers try.
    openInspector(9229, "127.0.0.1");
    waitForDebugger();
  }
  const submittedAtMs = Math.floor((await client.job(job)).submittedAtMs);
  pinSequential(submittedAtMs);
  const onlyTask = Number(task);
  const fetched = await fetchReplay(client, { host: hostId(), job, task: onlyTask });
  try {
    const built = { job: fetched.job, file: join(process.cwd(), `${job}.ts`) };
    const { counters, result } = await judge(built, fetched.planned, {
      ...options,
      onlyTask,
      submittedAtMs,
    });
    if (options.json) console.log(JSON.stringify({ job, task: onlyTask, counters }));
    else await saveResult(result, { kind: "stream", stream: process.stdout });
  } finally {
    await fetched.remove();
  }
}
