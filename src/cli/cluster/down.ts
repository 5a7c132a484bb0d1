/** `tequio down`: stops a running `tequio up` through the API; its workers leave with it. */
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { dataDirOf, type Endpoint, readEndpoint, type TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import type { Client } from "../../sdk/client.ts";
import { openClient } from "../connection.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { startOf, stillRuns, stopProcess } from "./process/identity.ts";
import { whenMarked } from "./process/starting-mark.ts";

type Options = TargetOptions & { readonly handOver?: boolean; readonly json?: boolean };

/** How long the coordinator and its workers may take to leave, in ms. */
const waitMs = 30_000;

export function define(command: Command): void {
  const text = "only when another coordinator stands by, which goes on with the jobs at once";
  withExamples(withJson(withTarget(command).option("--hand-over", text)), [
    ["tequio down", "jobs that run go on when `tequio up` is started again"],
    ["tequio down --hand-over", "before maintenance: the coordinator that stands by leads"],
  ]).action(down);
}

async function down(options: Options): Promise<void> {
  if (options.url === undefined) await whenMarked(dataDirOf(options.data));
  const here = options.url === undefined ? readEndpoint(dataDirOf(options.data)) : null;
  if (here?.isStandby === true) return endStandby(here, options);
  const client = await openClient(options, 0);
  const pid = here?.pid ?? 0;
  const start = startOf(pid);
  const { coordinators } = await client.shutdown(options.handOver);
  const endMs = performance.now() + waitMs;
  while (start !== null && startOf(pid) === start) {
    if (performance.now() > endMs) {
      throw new ClusterError(
        "timed-out",
        `process ${pid} has not ended in ${waitMs / 1000} s; it is safe to kill it`,
      );
    }
    await delay(30);
  }
  tell(`the coordinator has stopped${await successor(client, options, coordinators)}`, options);
}

function tell(message: string, { json }: Options): void {
  console.log(json ? JSON.stringify({ stopped: true, message }) : message);
}

/** Waits until it answers, if it is known where. */
async function successor(
  client: Client,
  { handOver }: Options,
  coordinators: readonly string[],
): Promise<string> {
  if (handOver !== true) return "";
  if (coordinators.length === 0) return "; another coordinator goes on";
  await client.health();
  return `; now ${client.url} leads`;
}

/** Calls go to the leader, which is to go on: only the process of this machine ends. */
async function endStandby({ pid, start = "" }: Endpoint, options: Options): Promise<void> {
  if (options.handOver === true) {
    const text = "the coordinator of this machine does not lead: there is nothing to hand over";
    throw new ClusterError("conflict", `${text}; stop it without --hand-over`);
  }
  if (!stillRuns(pid, start)) {
    throw new ClusterError("unavailable", "no coordinator runs here: the one that stood by ended");
  }
  await stopProcess({ pid, start }, waitMs);
  tell("the coordinator that stood by has stopped", options);
}
