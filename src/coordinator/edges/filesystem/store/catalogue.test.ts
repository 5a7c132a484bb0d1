/** Blobs of the filesystem protocol are kept from the sweep, also while they are not served. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyState } from "../../../../core/coordinator.ts";
import { openMemoryBlobs } from "../../../../store/blob/memory.ts";
import { temporaryDir } from "../../../../store/testing/at-end.ts";
import { storedHashes } from "../../../filesystem-dir.ts";
import { BlobSweep } from "../../../jobs/blob-sweep.ts";
import { ManualTimers } from "../../../testing/manual-timers.ts";
import { Catalogue } from "./catalogue.ts";

test("a sweep keeps blobs of stored files, and removes those of removed ones", async (t) => {
  const dataDir = temporaryDir(t);
  assert.deepEqual(storedHashes(dataDir), []);
  const blobs = openMemoryBlobs();
  const [kept, other] = await Promise.all(
    ["kept", "other"].map((text) => blobs.put([Buffer.from(text)])),
  );
  assert.ok(kept !== undefined && other !== undefined);
  const catalogue = new Catalogue(dataDir);
  const file = { ...kept, name: "j/x", root: kept.hash, layer: new Uint8Array(0) };
  catalogue.put([file], { job: "j" });
  catalogue.close();
  const timers = new ManualTimers();
  const sweep = new BlobSweep({
    blobs,
    stateNow: emptyState,
    namedBy: async () => [],
    otherNames: () => storedHashes(dataDir),
    timers,
  });
  t.after(() => sweep.stop());
  assert.equal((await sweep.sweep(0)).blobs, 1);
  assert.notEqual(await blobs.size(kept.hash), null);
  assert.equal(await blobs.size(other.hash), null);
  const again = new Catalogue(dataDir);
  assert.deepEqual(again.find("j/x"), file);
  // Names with characters that an SQL pattern would treat as wildcards.
  again.put([
    { ...file, name: "j%/y" },
    { ...file, name: "jé/y" },
  ]);
  assert.deepEqual(again.removeJob("j"), ["j/x"]);
  assert.deepEqual(again.removeJob("j%"), ["j%/y"]);
  assert.deepEqual(again.removeJob("jé"), ["jé/y"]);
  again.close();
  assert.equal((await sweep.sweep(0)).blobs, 1);
});
