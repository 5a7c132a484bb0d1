/** `tequio down`: stops a running `tequio up` through the API; its workers leave with it. */
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { dataDirOf, readEndpoint, type TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import { openClient } from "../connection.ts";
import { withExamples, withTarget } from "../options.ts";
import { startOf } from "./process/identity.ts";

/** How long the coordinator and its workers may take to leave, in ms. */
const waitMs = 30_000;

export function define(command: Command): void {
  withExamples(withTarget(command), [
    ["tequio down", "jobs that run go on when `tequio up` is started again"],
  ]).action(async (options: TargetOptions) => {
    const client = await openClient(options);
    const pid = options.url === undefined ? (readEndpoint(dataDirOf(options.data))?.pid ?? 0) : 0;
    const start = startOf(pid);
    await client.shutdown();
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
    console.log("the coordinator has stopped");
  });
}
