/** The keys and the certificate of a data directory, on a fresh machine too. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { newFolder, removeFolder } from "../store/testing/at-end.ts";
import { ownCertificate } from "./data-dir.ts";

test("N1: the certificate of a gateway is made on a fresh machine, and kept", () => {
  const dir = newFolder("tequio-data-");
  try {
    const gateway = join(dir, "not", "there", "gateway");
    const made = ownCertificate(gateway);
    assert.match(made.cert, /BEGIN CERTIFICATE/);
    assert.deepEqual(ownCertificate(gateway), made);
  } finally {
    removeFolder(dir);
  }
});
