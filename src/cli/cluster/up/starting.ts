/** What `tequio up` says and leaves behind while its coordinator replays a long log. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { packageVersion } from "../../../client/package-version.ts";
import { endpointFile, readEndpoint } from "../../../client/place.ts";
import { writePrivate } from "../../../coordinator/access/private-file.ts";
import type { ReplayProgress } from "../../../coordinator/loop/journal.ts";
import type { StartingAt } from "../../../coordinator/options.ts";
import { countText } from "../../numbers.ts";
import { localUrl } from "../join-line.ts";
import { startOf } from "../process/identity.ts";

/** Between two lines, in ms. */
const sayEveryMs = 1_000;

/** Prints how far it is, and lets other commands of this machine find the coordinator meanwhile. */
export function replayNews(dataDir: string) {
  let saidAtMs = performance.now();
  let isFound = false;
  return {
    onReplay({ done, total }: ReplayProgress, at: StartingAt | null): void {
      if (at !== null && !isFound) writeStarting(dataDir, at);
      isFound ||= at !== null;
      if (performance.now() - saidAtMs < sayEveryMs) return;
      saidAtMs = performance.now();
      console.error(`replaying the log: ${countText(done)} of ${countText(total)} records`);
    },
    /** The start failed. */
    forget(): void {
      if (!isFound || readEndpoint(dataDir)?.pid !== process.pid) return;
      rmSync(join(dataDir, endpointFile), { force: true });
    },
  };
}

function writeStarting(dataDir: string, { url, fingerprint }: StartingAt): void {
  const { pid } = process;
  const known = { url: localUrl(url), listen: url, fingerprint, pid, start: startOf(pid) ?? "" };
  const endpoint = { ...known, version: packageVersion() };
  writePrivate(join(dataDir, endpointFile), `${JSON.stringify(endpoint)}\n`);
}
