/** A client for the coordinator that the options mean, asked once whether it answers at all. */
import { setTimeout as delay } from "node:timers/promises";
import { nearBlobs } from "../client/near-blobs.ts";
import { dataDirOf, findTarget, type TargetOptions } from "../client/place.ts";
import { ClusterError } from "../core/error.ts";
import type { Client } from "../sdk/client.ts";
import { startingText } from "../wire/api/messages.ts";
import { whenMarked } from "./cluster/process/starting-mark.ts";

/** Throws `unavailable` saying how to get a coordinator, when none answers. `waitMs`: how
 *  long one of this machine is waited for that was there and does not answer now: it may be
 *  restarting. */
export async function openClient(options: TargetOptions, waitMs = restartMs): Promise<Client> {
  if (isHere(options)) await whenMarked(dataDirOf(options.data));
  const target = findTarget(options);
  const { connect } = await import("../sdk/client.ts");
  try {
    const options = { ...target, ...nearBlobs(target.dataDir) };
    const left = { url: target.url, waitMs: target.dataDir === null ? 0 : waitMs };
    return await whenStarted(() => connect(options), left);
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== "unavailable") throw error;
    const help =
      target.dataDir === null
        ? `check the address, and the firewall of its machine${tlsHint(target.url)}`
        : `the one of ${target.dataDir} ended unexpectedly (a crash, or kill -9); start it again ` +
          "with `tequio up`";
    throw new ClusterError("unavailable", `no coordinator answers at ${target.url}; ${help}`, {
      cause: error,
    });
  }
}

/** Whether one of this machine is meant. */
function isHere({ data, url }: TargetOptions): boolean {
  return url === undefined && (data !== undefined || !process.env.TEQUIO_URL);
}

/** How long a coordinator that replays its log is waited for, and how long it may not answer once
 *  it has reported that it does so, in ms. */
const startingMs = 600_000;
const silentMs = 5_000;
const askEveryMs = 250;
/** How long one is waited for that has left its address and does not answer, in ms. */
const restartMs = 30_000;
/** Between two lines about it, in ms. */
const sayEveryMs = 2_000;

/** Waits for a coordinator that says that it is starting, and prints how far it is. One at `url`
 *  that may be restarting is waited for so long before that. */
async function whenStarted<T>(
  ask: () => Promise<T>,
  { url, waitMs }: { readonly url: string; readonly waitMs: number },
): Promise<T> {
  const begunMs = performance.now();
  const giveUpAtMs = begunMs + startingMs;
  let heardAtMs: number | null = null;
  let isAway = false;
  let saidAtMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ClusterError) || error.code !== "unavailable") throw error;
      const nowMs = performance.now();
      const isStarting = error.text.startsWith(startingText);
      if (isStarting) heardAtMs = nowMs;
      // Between the two servers of the port there may be none.
      const isPatient = heardAtMs !== null && nowMs - heardAtMs < silentMs;
      const mayCome = nowMs - begunMs < waitMs;
      if (!(isPatient || mayCome) || nowMs > giveUpAtMs) throw error;
      if (heardAtMs === null && !isAway) {
        const wait = `waiting up to ${Math.ceil(waitMs / 1_000)} s for it to come back`;
        console.error(`the coordinator at ${url} does not answer; ${wait}`);
        isAway = true;
      }
      if (isStarting && nowMs - saidAtMs >= sayEveryMs) {
        console.error(error.text.replace("; try again in a moment", ""));
        saidAtMs = nowMs;
      }
    }
    await delay(askEveryMs);
  }
}

function tlsHint(url: string): string {
  if (!url.startsWith("http:")) return "";
  return "; one that listens for other machines needs https:// and --fingerprint";
}
