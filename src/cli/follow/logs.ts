/** Prints what a job's code logs, as it comes. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import type { Client } from "../../sdk/client.ts";
import type { Screen } from "../screen.ts";
import { oneLine } from "../text.ts";

type LogOptions = {
  readonly screen: Pick<Screen, "print">;
  readonly signal: AbortSignal;
  /** After a break in the connection the log is asked for again so soon, in ms; default 1,000. */
  readonly againMs?: number;
};

/** Logs are a comfort: they never fail the follower, and go on after a break in the connection. */
export async function printLogs(
  client: Pick<Client, "logs">,
  job: string,
  options: LogOptions,
): Promise<void> {
  const { againMs = 1_000, screen, signal } = options;
  for (let printed = 0; !signal.aborted; ) {
    let skipped = 0;
    try {
      for await (const line of client.logs(job, { follow: true, signal })) {
        // The whole log is sent again with each connection.
        if (skipped++ < printed) continue;
        screen.print(`${line.task} | ${line.line}`);
        printed++;
      }
      return;
    } catch (error) {
      const code = error instanceof ClusterError ? error.code : null;
      if (signal.aborted || code === "not-found") return;
      if (code !== "unavailable") {
        return screen.print(`logs end here: ${oneLine(String((error as Error).message))}`);
      }
    }
    await delay(againMs, null, { signal }).catch(() => {});
  }
}
