/** What listens besides the coordinator's own port, as the processes that serve it leave it in the
 *  data directory for `tequio doctor`. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writePrivate } from "../coordinator/access/private-file.ts";
import type { Listen } from "../link/listen.ts";
import { startOf, stillRuns } from "./cluster/process/identity.ts";

/** Of one `tequio gateway`. */
export type RunningGateway = Listen & {
  readonly plain: boolean;
  readonly anonymous: boolean;
  /** Its coordinator; null = any that dials in. */
  readonly tracker: string | null;
  readonly pid: number;
  readonly start: string;
};

const gatewayFile = /^gateway-\d+\.json$/;

/** What it returns removes the note. A directory that cannot be written has none. */
export function noteGateway(
  dataDir: string,
  door: Omit<RunningGateway, "pid" | "start">,
): () => void {
  const dir = join(dataDir, "gateway");
  const { pid } = process;
  const file = join(dir, `gateway-${pid}.json`);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writePrivate(file, `${JSON.stringify({ ...door, pid, start: startOf(pid) ?? "" })}\n`);
  } catch {
    return () => {};
  }
  return () => rmSync(file, { force: true });
}

/** Of the gateways that run on this machine and were given this data directory. */
export function runningGateways(dataDir: string): RunningGateway[] {
  const dir = join(dataDir, "gateway");
  return namesIn(dir)
    .filter((name) => gatewayFile.test(name))
    .flatMap((name) => readGateway(join(dir, name)))
    .filter(({ pid, start }) => stillRuns(pid, start));
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function readGateway(file: string): RunningGateway[] {
  try {
    return [JSON.parse(readFileSync(file, "utf8")) as RunningGateway];
  } catch {
    return [];
  }
}
