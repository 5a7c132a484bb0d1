/** Without the packages, the failure says how to get them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { errorWithout } from "../testing/without-package.ts";

test("without one of the packages of libp2p, the error says how to install them", async () => {
  const file = join(import.meta.dirname, "load.ts");
  assert.deepEqual(await errorWithout("@libp2p/mplex", { file, load: "loadLibp2p" }), {
    code: "unavailable",
    text:
      "libp2p needs packages that are not all installed; install them with: " +
      "npm install libp2p@3 @libp2p/tcp@11 @chainsafe/libp2p-noise@17 @libp2p/yamux@8 " +
      "@libp2p/mplex@12 @libp2p/crypto@5 @multiformats/multiaddr@13",
  });
});
