/** Fetches a file into a directory from a peer in the same process, interrupted once in the middle:
 *  `node download.ts <directory>`. Prints `end <sha256>` when the file is there. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Fetcher } from "../../src/peer/fetch/fetcher.ts";
import { noise, scratch, shelve, startPeer, testPool } from "../../src/peer/testing/peers.ts";

const [dir = tmpdir()] = process.argv.slice(2);
const target = join(dir, "got");
const endings: Array<() => unknown> = [];
// What the peer needs of a test: a call at its end.
const test = { after: (ending: () => unknown) => void endings.push(ending) };
const t = test as unknown as TestContext;

const bytes = noise(4 * 1024 * 1024);
const peer = await startPeer(t, { service: { rateMaxBytes: 40e6 } });
const { root } = await shelve(peer, "file", { dir: scratch(t), bytes });
const found = { name: "file", root, sizeBytes: bytes.length, sources: [peer.source()] };

async function fetchOnce(stopAt: number): Promise<void> {
  const control = new AbortController();
  const rules = { refuse: () => null };
  const { signal } = control;
  const fetcher = new Fetcher({ rules, lockDir: join(dir, "locks"), signal });
  let looking: NodeJS.Timeout | undefined;
  try {
    await fetcher.fetch(found, {
      target,
      replaces: false,
      onOpen: (download) => {
        looking = setInterval(() => {
          if (download.partial.done.count >= stopAt) control.abort(new Error("in the middle"));
        }, 2);
      },
    });
  } finally {
    clearInterval(looking);
    await fetcher.close();
  }
}

if (!existsSync(target)) await fetchOnce(20).catch(() => {});
await fetchOnce(Number.POSITIVE_INFINITY);
for (const ending of endings.reverse()) await ending();
await testPool.close();
console.log(`end ${createHash("sha256").update(readFileSync(target)).digest("hex")}`);
