/** A process that writes a log, for tests that stop or kill it: `node writer.ts <path>
 *  <options>`.
 *
 *  Reads commands, a line each: `append <sizeBytes>` or `run <groupMax>` (until killed). Prints
 *  `open`, then `ok <last>` per append or `error <code>`. Record n starts with the text `record
 *  n `. */
import { createInterface } from "node:readline";
import type { ClusterError } from "../../../core/error.ts";
import type { Log } from "../log.ts";
import { openSqliteLog, type SqliteLogOptions } from "../sqlite.ts";

const [path = "", options = "{}"] = process.argv.slice(2);

async function append(log: Log, count: number, sizeBytes: number): Promise<boolean> {
  const last = await log.last();
  const records = Array.from({ length: count }, (_, index) =>
    new TextEncoder().encode(`record ${last + index + 1} `.padEnd(sizeBytes, ".")),
  );
  try {
    process.stdout.write(`ok ${await log.append(records, last)}\n`);
    return true;
  } catch (error) {
    process.stdout.write(`error ${(error as ClusterError).code}\n`);
    return false;
  }
}

try {
  const log = await openSqliteLog(path, JSON.parse(options) as SqliteLogOptions);
  process.stdout.write("open\n");
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, number] = line.split(" ");
    if (command === "append") await append(log, 1, Number(number));
    for (let round = 1; command === "run"; round += 1) {
      if (!(await append(log, 1 + (round % Number(number)), 100))) break;
    }
  }
} catch (error) {
  process.stdout.write(`error ${(error as ClusterError).code}\n`);
}
