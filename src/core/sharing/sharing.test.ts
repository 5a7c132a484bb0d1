/** Members and their files, rule by rule, and the catalogue at its limits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuMs } from "../../../test/fixtures/cpu-time.ts";
import { catalogueLimits, type SharedFile } from "../catalogue.ts";
import { loadState, saveState } from "../coordinator.ts";
import { TestCluster } from "../testing/fake-cluster.ts";
import { applyMemberEvent, emptySharing } from "./members.ts";
import { fileNameProblem, memberNameProblem, utf8Bytes } from "./names.ts";
import { memberNamed, offeredNames, peerOfToken, sourcesOf } from "./view.ts";

const hex = (n: number) => n.toString(16).padStart(64, "0");
const address = { host: "10.0.0.1", port: 8001 };
const always = () => true;

function peer(cluster: TestCluster, name: string, token = hex(name.length)) {
  const registration = { member: "peer", owner: "ann", tokenHash: token, address } as const;
  return cluster.tell({ kind: "member-registered", name, ttlMs: 1_000, ...registration });
}

function file(name: string, over: Partial<SharedFile> = {}): SharedFile {
  return { name, description: "", root: null, sizeBytes: null, ...over };
}

function publish(cluster: TestCluster, name: string, files: readonly SharedFile[]) {
  return cluster.tell({ kind: "files-published", name, files, existing: "renew" });
}

function refusalOf(effects: ReturnType<TestCluster["tell"]>): string {
  const refusal = effects.find((effect) => effect.kind === "refuse");
  return refusal === undefined ? "" : refusal.error.code;
}

test("a name is one member's, whichever way it came", () => {
  const cluster = new TestCluster();
  assert.equal(refusalOf(peer(cluster, "ann")), "");
  assert.equal(refusalOf(peer(cluster, "ann", hex(9))), "conflict");
  const user = { member: "user", owner: "", tokenHash: "", address: null, ttlMs: 0 } as const;
  const again = cluster.tell({ kind: "member-registered", name: "ann", ...user });
  assert.equal(refusalOf(again), "conflict");
});

test("a peer that unregisters takes all of its files with it, not every second one", () => {
  const cluster = new TestCluster();
  peer(cluster, "ann");
  publish(
    cluster,
    "ann",
    ["file1", "file2", "file3", "file4"].map((name) => file(name)),
  );
  cluster.tell({ kind: "member-unregistered", name: "ann" });
  assert.deepEqual(offeredNames(cluster.state, always), []);
  assert.equal(peerOfToken(cluster.state, hex(3)), null);
});

test("a user that disconnects keeps its files, which are not offered meanwhile", () => {
  const cluster = new TestCluster();
  const user = { member: "user", owner: "", tokenHash: "", address: null, ttlMs: 0 } as const;
  cluster.tell({ kind: "member-registered", name: "bob", ...user });
  assert.equal(refusalOf(publish(cluster, "bob", [file("a")])), "conflict");
  cluster.tell({ kind: "member-connected", name: "bob", address, ttlMs: 0 });
  publish(cluster, "bob", [file("a")]);
  cluster.tell({ kind: "member-disconnected", name: "bob", reason: "silent" });
  assert.deepEqual(offeredNames(cluster.state, always), []);
  assert.equal(memberNamed(cluster.state, "bob")?.files.size, 1);
  cluster.tell({ kind: "member-connected", name: "bob", address, ttlMs: 0 });
  assert.deepEqual(offeredNames(cluster.state, always), ["a"]);
});

test("publishing is all or nothing", () => {
  const cluster = new TestCluster();
  peer(cluster, "ann");
  publish(cluster, "ann", [file("a")]);
  const files = [file("b"), file("a")];
  const refused = cluster.tell({ kind: "files-published", name: "ann", files, existing: "refuse" });
  assert.equal(refusalOf(refused), "conflict");
  const bad = [file("c"), file("d\u001b[2J")];
  assert.equal(refusalOf(publish(cluster, "ann", bad)), "bad-request");
  assert.equal(refusalOf(publish(cluster, "ann", [file("e"), file("e")])), "bad-request");
  const half = cluster.tell({ kind: "files-withdrawn", name: "ann", files: ["a", "b"] });
  assert.equal(refusalOf(half), "not-found");
  assert.deepEqual(offeredNames(cluster.state, always), ["a"]);
});

test("F6: names are opaque: dots, backslashes, twins stay, controls are refused", () => {
  const cluster = new TestCluster();
  peer(cluster, "ann");
  const names = [
    "../../x",
    "/etc/passwd",
    "C:\\x",
    ".",
    "..",
    "CON",
    "e\u0301",
    "\u00e9",
    "A",
    "a ",
  ];
  assert.equal(
    refusalOf(
      publish(
        cluster,
        "ann",
        names.map((name) => file(name)),
      ),
    ),
    "",
  );
  assert.deepEqual(offeredNames(cluster.state, always), names);
  for (const name of ["", "a\0b", "a\nb", "\u001b[2J", "\ud800", "x".repeat(4_097)]) {
    assert.notEqual(fileNameProblem(name), null, JSON.stringify(name));
  }
  assert.equal(fileNameProblem("ñ".repeat(2_048)), null);
  assert.notEqual(fileNameProblem("ñ".repeat(2_049)), null);
  assert.notEqual(memberNameProblem("ñ".repeat(128)), null);
  for (const text of ["a", "ñ", "€", "😀", "a😀€"]) {
    assert.equal(utf8Bytes(text), Buffer.byteLength(text));
  }
});

test("F7: one content under several names is found by its root, the liar left out", () => {
  const cluster = new TestCluster();
  for (const [index, name] of ["ann", "bob", "cem", "dora"].entries()) {
    peer(cluster, name, hex(100 + index));
  }
  publish(cluster, "ann", [file("movie", { root: hex(1), sizeBytes: 7 })]);
  publish(cluster, "bob", [file("film", { root: hex(1), sizeBytes: 7 })]);
  publish(cluster, "cem", [file("movie", { root: hex(1), sizeBytes: 8 })]);
  publish(cluster, "dora", [file("movie", { root: hex(2), sizeBytes: 9 })]);
  const owners = (wanted: { name: string } | { root: string }) =>
    sourcesOf(cluster.state, wanted, always).map(({ owner }) => owner.name);
  assert.deepEqual(owners({ name: "movie" }), ["ann", "bob"]);
  assert.deepEqual(owners({ root: hex(1) }), ["ann", "bob"]);
  assert.deepEqual(owners({ root: hex(2) }), ["dora"]);
  cluster.tell({ kind: "member-disconnected", name: "ann", reason: "silent" });
  assert.deepEqual(owners({ name: "film" }), ["bob"], "with a tie the first one counts");
});

test("F7: a million files are published, found and withdrawn, and the next one is refused", () => {
  const sharing = emptySharing();
  const tell = (event: Parameters<typeof applyMemberEvent>[1]) => {
    const effects: Parameters<typeof applyMemberEvent>[2] = [];
    applyMemberEvent(sharing, event, effects);
    return effects[0]?.kind === "refuse" ? effects[0].error.code : "";
  };
  const { filesMax, filesPerMemberMax } = catalogueLimits;
  const list = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => file(`file-${from + n}`));
  const step = filesPerMemberMax;
  for (let from = 0; from < filesMax; from += step) {
    const name = `m${from}`;
    const who = { member: "peer", owner: "a", tokenHash: hex(from + 1), address } as const;
    tell({ kind: "member-registered", name, ttlMs: 0, ...who });
    tell({ kind: "files-published", name, files: list(from, step), existing: "renew" });
  }
  assert.equal(sharing.offers.count, filesMax);
  const more = (name: string) =>
    tell({ kind: "files-published", name, files: [file("one more")], existing: "renew" });
  assert.equal(more("m0"), "limit-exceeded");
  const spentMs = cpuMs(() => {
    for (let n = 0; n < 10_000; n++) {
      const at = (n * 97) % step;
      assert.equal(tell({ kind: "files-withdrawn", name: "m0", files: [`file-${at}`] }), "");
      const [again] = list(at, 1);
      tell({ kind: "files-published", name: "m0", files: [again!], existing: "refuse" });
      assert.equal([...sharing.offers.ofName(`file-${at}`)].length, 1);
    }
  });
  assert.ok(spentMs < 2_000, `30,000 operations took ${spentMs} ms: they search the catalogue`);
});

test("F7: names of four kilobytes fill the catalogue by their bytes, before their number", () => {
  const cluster = new TestCluster();
  const { nameBytesMax, textBytesMax } = catalogueLimits;
  peer(cluster, "ann");
  const long = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => file(`${from + n}`.padEnd(nameBytesMax, "x")));
  const fits = textBytesMax / nameBytesMax;
  assert.equal(refusalOf(publish(cluster, "ann", long(0, fits))), "");
  assert.equal(refusalOf(publish(cluster, "ann", long(fits, 1))), "limit-exceeded");
});

test("a snapshot keeps the order of names, of owners and of copies", () => {
  const cluster = new TestCluster();
  peer(cluster, "ann", hex(1));
  peer(cluster, "bob", hex(2));
  const root = hex(5);
  publish(cluster, "ann", [file("a"), file("b", { root })]);
  publish(cluster, "bob", [file("b", { root }), file("a", { root })]);
  publish(cluster, "ann", [file("a", { root })]);
  cluster.tell({ kind: "files-withdrawn", name: "ann", files: ["b"] });
  publish(cluster, "ann", [file("b", { root })]);
  const state = loadState(JSON.parse(JSON.stringify(saveState(cluster.state))));
  const seen = (wanted: { name: string } | { root: string }) => (from: typeof state) =>
    sourcesOf(from, wanted, always).map(({ owner, file: { name } }) => `${owner.name}:${name}`);
  for (const look of [seen({ name: "a" }), seen({ name: "b" }), seen({ root })]) {
    assert.deepEqual(look(state), look(cluster.state));
  }
  assert.deepEqual(seen({ root })(state), ["bob:b", "bob:a", "ann:a", "ann:b"]);
});

test("the certificate of a peer is kept with its address, and one of before needs none", () => {
  const cluster = new TestCluster();
  const pinned = { ...address, fingerprint: hex(7) };
  const who = { member: "peer", owner: "ann", ttlMs: 0 } as const;
  const register = (name: string, at: typeof pinned | typeof address) =>
    cluster.tell({ kind: "member-registered", name, tokenHash: hex(at.port), address: at, ...who });
  assert.equal(refusalOf(register("new", pinned)), "");
  assert.equal(refusalOf(register("before", { ...address, port: 9 })), "");
  const kept = loadState(JSON.parse(JSON.stringify(saveState(cluster.state))));
  assert.deepEqual(memberNamed(kept, "new")?.address, pinned);
  assert.deepEqual(memberNamed(kept, "before")?.address, { ...address, port: 9 });
  for (const fingerprint of ["", "ab", hex(7).toUpperCase().replace("7", "F"), `${hex(7)}0`]) {
    const effects = register("wrong", { ...pinned, port: 11, fingerprint });
    assert.equal(refusalOf(effects), "bad-request", fingerprint);
  }
  const moved = { kind: "member-connected", name: "new", address, ttlMs: 0 } as const;
  assert.equal(refusalOf(cluster.tell(moved)), "");
  assert.equal(memberNamed(cluster.state, "new")?.address?.fingerprint, undefined);
});
