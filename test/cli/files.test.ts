/** Sharing and fetching by the real command line: links without a coordinator, names with one,
 *  kills, interrupts and changed files. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { noise } from "../../src/peer/testing/peers.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { Place, type Running } from "../fixtures/place.ts";

type Shared = { readonly link: string; readonly running: Running; readonly peer: string };

async function share(place: Place, ...args: string[]): Promise<Shared> {
  const running = place.start("share", "--json", ...args);
  const text = await running.said("]}\n");
  const { link, peer } = JSON.parse(/^\{.*\}$/m.exec(text)![0]);
  return { link, peer, running };
}

function hidden(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.startsWith(".tequio"));
}

function folder(t: TestContext): Place {
  const place = new Place(t, { "books/war.txt": "war and peace", "books/empty": "" });
  mkdirSync(join(place.dir, "books", "deep"));
  writeFileSync(join(place.dir, "books", "deep", "b.bin"), noise(300_000));
  symlinkSync("/etc/hostname", join(place.dir, "books", "evil"));
  symlinkSync("war.txt", join(place.dir, "books", "same"));
  mkdirSync(join(place.dir, "books", "none"));
  writeFileSync(join(place.dir, "books", "run"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(place.dir, "books", "e\u0301"), "decomposed");
  for (const name of ["war.txt", "deep/b.bin"])
    utimesSync(join(place.dir, "books", name), 1e9, 1e9);
  return place;
}

test("a folder by link: its tree arrives, what leads out of it does not", async (t) => {
  const place = folder(t);
  const { link, running } = await share(place, "books", "--link");
  assert.match(link, /^tequio:127\.0\.0\.1:\d+\/[0-9a-f]{64}\/#[\w-]{43}$/);
  const got = await place.run("get", link, "-o", "copy");
  assert.equal(got.code, 0, got.err);
  assert.match(got.out, /^6 files, 300 kB in copy, .*; verified$/m);
  const stats = (name: string) => statSync(join(place.dir, "copy/books", name));
  assert.ok(stats("none").isDirectory());
  assert.equal(stats("run").mode & 0o111, 0o111 & ~process.umask());
  assert.equal(stats("war.txt").mode & 0o111, 0);
  assert.deepEqual([stats("war.txt").mtimeMs, stats("deep/b.bin").mtimeMs], [1e12, 1e12]);
  assert.ok(readdirSync(join(place.dir, "copy/books")).includes("e\u0301"));
  assert.deepEqual(hidden(join(place.dir, "copy")), []);
  assert.equal(place.read("copy/books/war.txt"), "war and peace");
  assert.equal(place.read("copy/books/same"), "war and peace");
  assert.equal(place.read("copy/books/empty"), "");
  assert.ok(noise(300_000).equals(readFileSync(join(place.dir, "copy/books/deep/b.bin"))));
  assert.ok(!existsSync(join(place.dir, "copy/books/evil")));
  running.child.kill("SIGINT");
  const { code, err, out } = await running.ended;
  assert.equal(code, 0);
  assert.match(err, /evil: a link that leads out of what is shared/);
  const { leftOut } = JSON.parse(/^\{.*\}$/m.exec(out)?.[0] ?? "{}");
  assert.match(String(leftOut), /evil: a link that leads out of what is shared, to/);
  const gone = await place.run("get", link, "-o", "copy2");
  assert.equal(gone.code, 3);
  assert.match(gone.err, /unavailable: no peer answers at the link/);
});

test("a file by link: to standard output, there already, not to be replaced", async (t) => {
  const place = new Place(t, { "f.txt": "content", "other.txt": "mine" });
  const { link } = await share(place, "f.txt", "--link");
  const piped = await place.run("get", link, "-o", "-");
  assert.deepEqual([piped.code, piped.out, piped.err], [0, "content", ""]);
  const there = await place.run("get", link);
  assert.match(there.out, /f\.txt is complete already; there is nothing to fetch/);
  const taken = await place.run("get", link, "-o", "other.txt");
  assert.equal(taken.code, 2);
  assert.match(taken.err, /conflict: other\.txt exists.*--overwrite/);
  assert.equal(place.read("other.txt"), "mine");
  const forged = await place.run("get", link.replace(/#.{5}/, "#AAAAA"), "-o", "x");
  assert.equal(forged.code, 2);
  assert.match(forged.err, /unauthenticated/);
  writeFileSync(join(place.dir, "f.txt"), "changed");
  const changed = await place.run("get", link, "-o", "x");
  assert.notEqual(changed.code, 0);
  assert.ok(!existsSync(join(place.dir, "x")));
  assert.deepEqual(hidden(place.dir), []);
});

test("kill -9 in the middle: the same command goes on from what was verified", async (t) => {
  const place = new Place(t);
  const bytes = noise(24 * 1024 * 1024);
  writeFileSync(join(place.dir, "big.bin"), bytes);
  // The journal follows within a second, and a run in it takes 12 bytes after a head of about 105.
  const part = () => hidden(place.dir).find((name) => name.endsWith(".journal"));
  const journal = () => (part() === undefined ? 0 : readFileSync(join(place.dir, part()!)).length);
  const link = await killedInMiddle(place, {
    shared: "big.bin",
    limits: [8, 2],
    has: () => journal() >= 125,
    isWhole: () => existsSync(join(place.dir, "copy.bin")),
  });
  // Two at once: one of them waits and finds it done.
  const again = await Promise.all([
    place.run("get", link, "-o", "copy.bin", "--json"),
    place.run("get", link, "-o", "copy.bin", "--json"),
  ]);
  const results = again.map(({ code, out, err }) => {
    assert.equal(code, 0, err);
    return JSON.parse(out);
  });
  const [fetched] = results.filter(({ wasThere }) => !wasThere);
  assert.equal(results.filter(({ wasThere }) => wasThere).length, 1, "F9: one file");
  assert.ok(fetched.resumedBytes > 1e6, `${fetched.resumedBytes} bytes were kept`);
  assert.equal(fetched.resumedBytes + fetched.receivedBytes, bytes.length);
  assert.ok(bytes.equals(readFileSync(join(place.dir, "copy.bin"))));
  assert.deepEqual(hidden(place.dir), []);
});

test("kill -9 in the middle of a folder: what has a name is whole and stays", async (t) => {
  const place = new Place(t);
  mkdirSync(join(place.dir, "many"));
  const count = 2_000;
  for (let n = 0; n < count; n++) {
    writeFileSync(join(place.dir, "many", `${n}`), noise(4_096, n + 1));
  }
  const copy = join(place.dir, "copy", "many");
  const there = () => (existsSync(copy) ? readdirSync(copy) : []);
  const link = await killedInMiddle(place, {
    shared: "many",
    limits: [4, 1],
    has: () => there().length > 0,
    isWhole: () => there().length === count,
  });
  const kept = there();
  for (const name of kept) {
    assert.ok(noise(4_096, Number(name) + 1).equals(readFileSync(join(copy, name))), name);
  }
  const { code, err, out } = await place.run("get", link, "-o", "copy", "--json");
  assert.equal(code, 0, err);
  const { files, problems } = JSON.parse(out);
  assert.deepEqual([files.length, problems], [count, []]);
  const again = files.filter(({ wasThere }: { wasThere: boolean }) => wasThere);
  assert.equal(again.length, kept.length);
  for (let n = 0; n < count; n++) {
    assert.ok(noise(4_096, n + 1).equals(readFileSync(join(copy, `${n}`))), `${n}`);
  }
  assert.deepEqual([hidden(join(place.dir, "copy")), hidden(copy)], [[], []]);
});

/** Kills a download once the condition holds. A busy machine notices that late: what is whole by
 *  then is fetched again, at the next of the limits, in MB/s. Answers the link. */
async function killedInMiddle(
  place: Place,
  of: {
    readonly shared: string;
    readonly limits: readonly number[];
    readonly has: () => boolean;
    readonly isWhole: () => boolean;
  },
): Promise<string> {
  const copy = of.shared.replace(/\w+/, "copy");
  for (const limit of of.limits) {
    const { link, running } = await share(place, of.shared, "--link", "--limit", `${limit}MB`);
    const first = place.start("get", link, "-o", copy);
    await holds(() => of.has() || first.over);
    first.child.kill("SIGKILL");
    await first.ended;
    if (!of.isWhole()) return link;
    rmSync(join(place.dir, copy), { recursive: true });
    running.child.kill("SIGINT");
    await running.ended;
  }
  throw new Error(`it was whole each time, at ${of.limits} MB/s`);
}

async function holds(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + waitMaxMs;
  while (!condition()) {
    assert.ok(performance.now() < endMs, "it took too long");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("with a coordinator: names, folders, roots, patterns; gone at the end", async (t) => {
  const place = folder(t);
  const none = await place.run("ls");
  assert.equal(none.code, 3);
  const up = place.start("up", "--workers", "1", "--listen", "127.0.0.1:0");
  await up.said("join with");
  const { peer, running } = await share(place, "books", "--as", "ana");
  assert.equal(peer, "ana");
  const twin = await place.run("share", "books", "--as", "ana");
  assert.equal(twin.code, 2);
  assert.match(twin.err, /conflict: the name ana is taken/);
  const names = JSON.parse((await place.run("ls", "--json")).out).map(
    ({ name }: { name: string }) => name,
  );
  assert.deepEqual(names, [
    "books/deep/b.bin",
    "books/empty",
    "books/e\u0301",
    "books/none/",
    "books/run",
    "books/same",
    "books/war.txt",
  ]);
  const tree = await place.run("ls", "--tree");
  assert.match(tree.out, /^└─ books\/\n {3}├─ deep\/\n {3}│ {2}└─ b\.bin \(300 kB\)/);
  const found = JSON.parse((await place.run("find", "*.BIN", "--json")).out);
  assert.deepEqual(
    found.map(({ name }: { name: string }) => name),
    ["books/deep/b.bin"],
  );
  assert.equal((await place.run("find", "nothing")).code, 1);
  const byName = await place.run("get", "books/war.txt");
  assert.match(byName.out, /^war\.txt: 13 B in .*; verified/);
  const byRoot = await place.run("get", found[0].root, "-o", "copy/");
  assert.match(byRoot.out, /^copy\/b\.bin: 300 kB/);
  const byBegin = await place.run("get", found[0].root.slice(0, 12), "-o", "begin.bin");
  assert.match(byBegin.out, /^begin\.bin: 300 kB/, byBegin.err);
  const all = await place.run("get", "books/", "-o", "library");
  assert.equal(all.code, 0, all.err);
  assert.deepEqual(readdirSync(join(place.dir, "library")).sort(), [
    "deep",
    "empty",
    "e\u0301",
    "none",
    "run",
    "same",
    "war.txt",
  ]);
  const missing = await place.run("get", "books/none");
  assert.equal(missing.code, 2);
  assert.match(missing.err, /not-found: no member shares "books\/none"/);
  running.child.kill("SIGINT");
  assert.equal((await running.ended).code, 0);
  assert.match((await place.run("ls")).out, /nothing is shared yet/);
});

test("F1: a changed file is fetched as it is now by name, and refused by root", async (t) => {
  const place = new Place(t);
  const [old, now] = [noise(12 * 1024 * 1024), noise(1024 * 1024)];
  const owned = join(place.dir, "big.bin");
  writeFileSync(owned, old);
  const up = place.start("up", "--workers", "0", "--listen", "127.0.0.1:0");
  await up.said("run a job");
  await share(place, "big.bin", "--limit", "1MB");
  const [{ root }] = JSON.parse((await place.run("ls", "--json")).out);
  const byName = place.start("get", "big.bin", "-o", "name.bin");
  const byRoot = place.start("get", root, "-o", "root.bin");
  const parts = () => hidden(place.dir).filter((name) => name.endsWith(".part"));
  await holds(() => parts().length === 2);
  writeFileSync(owned, now);
  const [named, rooted] = await Promise.all([byName.ended, byRoot.ended]);
  assert.equal(named.code, 0, named.err);
  assert.match(named.err, /big\.bin has changed at its owner; fetching it as it is now/);
  assert.ok(now.equals(readFileSync(join(place.dir, "name.bin"))));
  assert.equal(rooted.code, 2, rooted.err);
  const gone = new RegExp(
    `not-found: big.bin has changed at its owner: ${root} is not shared any more; ` +
      "`tequio get big.bin` fetches it as it is now",
  );
  assert.match(rooted.err, gone);
  assert.ok(!existsSync(join(place.dir, "root.bin")));
});
