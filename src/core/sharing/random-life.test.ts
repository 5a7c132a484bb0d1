/** Random lives of members against a plain model of lists: the same answers, every law after every
 *  step, and neither snapshots nor replay change anything. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MemberEvent, SharedFile } from "../catalogue.ts";
import { loadState, saveState, step } from "../coordinator.ts";
import { Random } from "../random.ts";
import { TestCluster } from "../testing/fake-cluster.ts";
import { offeredNames, sourcesOf } from "./view.ts";

type Told = MemberEvent extends infer E ? (E extends MemberEvent ? E : never) : never;
type ModelMember = { kind: "user" | "peer"; connected: boolean; files: SharedFile[] };

const hex = (n: number) => n.toString(16).padStart(64, "0");
const always = () => true;

/** The catalogue as one would first write it: lists, searched from the start. */
class Model {
  readonly members = new Map<string, ModelMember>();
  /** Names, and who published them, in order. */
  offers: Array<{ name: string; owners: string[] }> = [];

  /** False when it should be refused. */
  take(event: Told): boolean {
    if (event.kind === "member-registered") {
      if (this.members.has(event.name)) return false;
      const connected = event.member === "peer";
      this.members.set(event.name, { kind: event.member, connected, files: [] });
      return true;
    }
    const member = this.members.get(event.name);
    if (member === undefined) return false;
    const leaves = event.kind === "member-disconnected" && member.kind === "peer";
    if (event.kind === "member-unregistered" || leaves) {
      for (const { name } of member.files) this.#drop(event.name, name);
      return this.members.delete(event.name);
    }
    if (event.kind === "member-connected") {
      if (member.kind === "user" && member.connected) return false;
      member.connected = true;
      return true;
    }
    if (!member.connected) return false;
    if (event.kind === "member-disconnected") member.connected = false;
    else if (event.kind === "files-withdrawn") return this.#withdraw(event.name, event.files);
    else return this.#publish(event);
    return true;
  }

  names(): string[] {
    const live = ({ owners }: { owners: string[] }) =>
      owners.some((owner) => this.members.get(owner)?.connected);
    return this.offers.filter(live).map(({ name }) => name);
  }

  owners(name: string): string[] {
    const owners = this.offers.find((offer) => offer.name === name)?.owners ?? [];
    return owners.filter((owner) => this.members.get(owner)?.connected);
  }

  #publish({ name, files, existing }: Extract<Told, { kind: "files-published" }>): boolean {
    const member = this.members.get(name)!;
    const names = files.map((file) => file.name);
    if (new Set(names).size < names.length) return false;
    const known = (file: SharedFile) => member.files.some((one) => one.name === file.name);
    if (existing === "refuse" && files.some(known)) return false;
    if (existing === "replace") {
      for (const file of member.files) if (!names.includes(file.name)) this.#drop(name, file.name);
      member.files = member.files.filter((file) => names.includes(file.name));
    }
    for (const file of files) {
      const at = member.files.findIndex((one) => one.name === file.name);
      if (at >= 0) member.files[at] = file;
      else {
        member.files.push(file);
        const offer = this.offers.find((one) => one.name === file.name);
        if (offer === undefined) this.offers.push({ name: file.name, owners: [name] });
        else offer.owners.push(name);
      }
    }
    return true;
  }

  #withdraw(name: string, files: readonly string[]): boolean {
    const member = this.members.get(name)!;
    if (!files.every((file) => member.files.some((one) => one.name === file))) return false;
    for (const file of new Set(files)) this.#drop(name, file);
    member.files = member.files.filter((file) => !files.includes(file.name));
    return true;
  }

  #drop(owner: string, name: string): void {
    const offer = this.offers.find((one) => one.name === name)!;
    offer.owners = offer.owners.filter((one) => one !== owner);
    this.offers = this.offers.filter(({ owners }) => owners.length > 0);
  }
}

function someEvent(random: Random, serial: number): Told {
  const name = `m${random.below(5)}`;
  const file = (): SharedFile => ({
    name: `f${random.below(6)}`,
    description: "",
    root: random.chance(0.5) ? hex(random.below(3)) : null,
    sizeBytes: null,
  });
  const address = { host: "10.0.0.1", port: 1 + random.below(9) };
  const some = () => Array.from({ length: random.below(4) }, file);
  const dice = random.below(100);
  if (dice < 12) {
    const isPeer = random.chance(0.5);
    return {
      kind: "member-registered",
      name,
      member: isPeer ? "peer" : "user",
      owner: "ann",
      tokenHash: isPeer ? hex(serial) : "",
      address: isPeer ? address : null,
      ttlMs: isPeer ? 1_000 : 0,
    };
  }
  if (dice < 16) return { kind: "member-unregistered", name };
  if (dice < 30) return { kind: "member-connected", name, address, ttlMs: 500 };
  if (dice < 36) return { kind: "member-disconnected", name, reason: "silent" };
  if (dice < 48) {
    return { kind: "files-withdrawn", name, files: some().map((one) => one.name) };
  }
  const existing = (["refuse", "renew", "replace"] as const)[random.below(3)]!;
  return { kind: "files-published", name, files: some(), existing };
}

test("I11: random lives of members are answered as a plain list would, over snapshots too", () => {
  let refused = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const cluster = new TestCluster();
    const model = new Model();
    for (let n = 0; n < 200; n++) {
      const event = someEvent(random, n);
      const wanted = model.take(event);
      const taken = cluster.tell(event).some((effect) => effect.kind === "reply");
      assert.equal(taken, wanted, `seed ${seed}, ${n}: ${JSON.stringify(event)}`);
      if (!taken) refused++;
      if (random.chance(0.1)) cluster.restartFromSnapshot();
      const { state } = cluster;
      assert.deepEqual(offeredNames(state, always), model.names(), `seed ${seed}, ${n}`);
      for (const name of model.names()) {
        const named = [...state.sharing.offers.ofName(name)].filter(({ owner }) => owner.address);
        assert.deepEqual(
          named.map(({ owner }) => owner.name),
          model.owners(name),
        );
        const [first] = sourcesOf(state, { name }, always);
        assert.equal(first?.owner.name, model.owners(name)[0]);
      }
      for (const [name, member] of model.members) {
        const { files } = state.sharing.members.get(name)!;
        assert.deepEqual([...files.values()], member.files);
      }
    }
    const folded = new TestCluster().state;
    for (const event of cluster.events) step(folded, event);
    const live = saveState(cluster.state);
    assert.deepEqual(saveState(folded), live, `seed ${seed}: replay equals live (I19)`);
    assert.deepEqual(saveState(loadState(JSON.parse(JSON.stringify(live)))), live);
  }
  assert.ok(refused > 1_000, `only ${refused} refusals: the test has gone blind`);
});
