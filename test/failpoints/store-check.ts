/** Looks at the directory that `store.ts` was killed in: what it acknowledged is there, and what is
 *  there is whole. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readPrivate } from "../../src/coordinator/access/private-file.ts";
import type { Blobs } from "../../src/store/blob/blob.ts";
import { openDiskBlobs } from "../../src/store/blob/disk.ts";
import { openSqliteLog } from "../../src/store/log/sqlite.ts";
import { blobBytes, isRecord, secretText } from "./store-contents.ts";

const small = { ballastBytes: 64 << 10 };

/** What the lines of the process acknowledge. */
function acknowledged(lines: readonly string[], kind: string): string[] {
  return lines.flatMap((line) =>
    line.startsWith(`${kind} `) ? [line.slice(kind.length + 1)] : [],
  );
}

export async function checkStore(dir: string, lines: readonly string[]): Promise<void> {
  checkSecret(join(dir, "secret"), Number(acknowledged(lines, "secret").at(-1) ?? 0));
  await checkLog(join(dir, "log", "log.db"), lines);
  await checkBlobs(join(dir, "blobs"), lines);
}

function checkSecret(path: string, told: number): void {
  const text = readPrivate(path);
  if (text === null) return assert.equal(told, 0, "the secret is gone");
  const version = Number(text.slice(0, 1));
  assert.equal(text, secretText(version), "half a secret");
  assert.ok(version === told || version === told + 1, `secret ${told} became ${version}`);
}

async function checkLog(path: string, lines: readonly string[]): Promise<void> {
  const told = Number(acknowledged(lines, "log").at(-1) ?? 0);
  const snapshotTold = Number(acknowledged(lines, "snapshot").at(-1) ?? 0);
  const log = await openSqliteLog(path, small);
  try {
    const last = await log.last();
    assert.ok(last >= told, `${told} records were acknowledged, ${last} are there`);
    const snapshot = await log.loadSnapshot();
    const from = snapshot?.position ?? 0;
    assert.ok(from >= snapshotTold, `snapshot ${snapshotTold} is gone`);
    if (snapshot !== null) assert.ok(isRecord(from, snapshot.bytes), "another snapshot");
    let position = from;
    for await (const record of log.read(from)) {
      position += 1;
      assert.equal(record.position, position);
      assert.ok(isRecord(position, record.bytes), `record ${position} has other bytes`);
    }
    assert.equal(position, last);
    assert.equal(await log.append([Buffer.from("next")], last), last + 1);
  } finally {
    await log.close();
  }
}

async function checkBlobs(dir: string, lines: readonly string[]): Promise<void> {
  const blobs = await openDiskBlobs(dir);
  try {
    assert.deepEqual(readdirSync(join(dir, "part")), [], "half blobs are swept");
    const gone = new Set(acknowledged(lines, "gone"));
    const there = new Set<string>();
    for await (const hash of blobs.list()) there.add(hash);
    for (const hash of acknowledged(lines, "blob")) {
      assert.ok(there.has(hash) || gone.has(hash), `blob ${hash} was acknowledged and is gone`);
    }
    for (const hash of there) await checkBlob(blobs, hash);
    const put = await blobs.put([blobBytes(5)]);
    await checkBlob(blobs, put.hash);
  } finally {
    await blobs.close();
  }
}

async function checkBlob(blobs: Blobs, hash: string): Promise<void> {
  const running = createHash("sha256");
  for await (const chunk of blobs.read(hash)) running.update(chunk);
  assert.equal(running.digest("hex"), hash);
}
