/** The journal of a download on a disk that is full. */
import assert from "node:assert/strict";
import { readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inPlace } from "../../../test/conformance/place.ts";
import { mountSmallDisk } from "../../../test/conformance/tmpfs.ts";
import { Journal } from "./journal.ts";

const subject = { root: "0".repeat(64), sizeBytes: 1 << 30, inode: "1:2" };
const runs = [{ first: 3, count: 5 }];

test("C4: on a full disk the old journal stays, and no temporary file is left", async (t) => {
  await inPlace(async (place) => {
    const disk = mountSmallDisk(place, "64k");
    if ("skip" in disk) return t.skip(disk.skip);
    try {
      const path = join(place, "journal");
      (await Journal.create(path, subject, runs)).close();
      const { bavail, bsize } = statfsSync(place);
      writeFileSync(join(place, "filler"), Buffer.alloc(bavail * bsize));
      await assert.rejects(Journal.create(path, subject, []), { code: "ENOSPC" });
      await assert.rejects(Journal.create(join(place, "other"), subject, []), { code: "ENOSPC" });
      assert.deepEqual(readdirSync(place).sort(), ["filler", "journal"]);
      assert.deepEqual(Journal.read(path, subject), runs);
      rmSync(join(place, "filler"));
      (await Journal.create(path, subject, [])).close();
      assert.deepEqual(Journal.read(path, subject), []);
    } finally {
      disk.unmount();
    }
  });
});
