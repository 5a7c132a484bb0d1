/** A process that does once everything that the stores can do: `node store.ts <directory>`. What it
 *  prints has been acknowledged: `log 7`, `snapshot 5`, `secret 2`, `blob <hash>`, `gone <hash>`
 *  (about to be deleted), `output <hash>`, `end`. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPrivate, writePrivate } from "../../src/coordinator/access/private-file.ts";
import { BlobSweep } from "../../src/coordinator/jobs/blob-sweep.ts";
import { realTimers } from "../../src/coordinator/loop/timers.ts";
import { emptyState } from "../../src/core/coordinator.ts";
import type { Blobs } from "../../src/store/blob/blob.ts";
import { openDiskBlobs } from "../../src/store/blob/disk.ts";
import { openSqliteLog } from "../../src/store/log/sqlite.ts";
import { EmitTable } from "../../src/worker/kernels/table.ts";
import { blobBytes, recordBytes, secretText } from "./store-contents.ts";

const [dir = "", ...options] = process.argv.slice(2);
const say = (text: string) => process.stdout.write(`${text}\n`);

function writeSecrets(): void {
  const path = join(dir, "secret");
  const before = Number(readPrivate(path)?.slice(0, 1) ?? 0);
  for (let version = before + 1; version <= before + 2; version += 1) {
    writePrivate(path, secretText(version));
    say(`secret ${version}`);
  }
}

/** `large` records are so large that forgetting them gives pages back to the disk; a `long` log
 *  empties its WAL several times. */
async function writeLog(large: boolean, long: boolean): Promise<void> {
  const log = await openSqliteLog(join(dir, "log", "log.db"), { ballastBytes: 64 << 10 });
  let last = await log.last();
  const append = async (count: number) => {
    const records = Array.from({ length: count }, (_, n) => recordBytes(last + n + 1, large));
    last = await log.append(records, last);
    say(`log ${last}`);
  };
  for (const count of [1, 3, 0, 2, 5]) await append(count);
  if (large) await append(15);
  for (let n = 0; long && n < 40; n += 1) await append(1 + (n % 2));
  await log.saveSnapshot(last, recordBytes(last, false));
  say(`snapshot ${last}`);
  await log.trim(last - 1);
  await append(2);
  await log.close();
}

async function writeBlobs(): Promise<void> {
  const blobs = await openDiskBlobs(join(dir, "blobs"));
  for (const n of [1, 2, 3]) {
    const { hash } = await blobs.put([blobBytes(n)]);
    say(`blob ${hash}`);
  }
  const finished = join(dir, `finished-${process.pid}`);
  writeFileSync(finished, blobBytes(4));
  const { hash } = await blobs.adopt(finished);
  say(`blob ${hash}`);
  for (const n of [3, 2]) {
    const gone = createHash("sha256").update(blobBytes(n)).digest("hex");
    say(`gone ${gone}`);
    if (n === 3) await blobs.delete(gone);
    else await sweepOnly(gone, blobs);
  }
  await blobs.close();
}

/** The sweep that forgets what no job names; of all blobs it is shown one. */
async function sweepOnly(hash: string, blobs: Pick<Blobs, "size" | "delete">) {
  const list = async function* () {
    yield hash;
  };
  const sweep = new BlobSweep({
    blobs: { list, size: (name) => blobs.size(name), delete: (name) => blobs.delete(name) },
    stateNow: emptyState,
    namedBy: async () => [],
    timers: realTimers,
    graceMs: 0,
  });
  await sweep.sweep();
  sweep.stop();
}

/** A map output that spills several times, as a task process writes it. */
function writeOutput(): void {
  const folder = join(dir, `task-${process.pid}`);
  mkdirSync(folder);
  const path = join(folder, "0.1.run");
  const table = new EmitTable({
    partitionCount: 2,
    spillBytes: 4_096,
    combine: (a, b) => (a as number) + (b as number),
    partition: null,
    descending: false,
    path,
  });
  for (let n = 0; n < 3_000; n += 1) table.emit(`key ${(n * 7_919) % 1_000}`, n);
  table.finish();
  table.close();
  say(`output ${createHash("sha256").update(readFileSync(path)).digest("hex")}`);
}

writeSecrets();
await writeLog(options.includes("large"), options.includes("long"));
await writeBlobs();
writeOutput();
say("end");
