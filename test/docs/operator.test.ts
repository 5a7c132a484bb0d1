/** The tutorial of an operator: each of its commands is run, in its order, on this machine. */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { selfSigned } from "../../src/link/tls/self-signed.ts";
import { polled } from "../../src/store/testing/polled.ts";
import type { Announced } from "../fixtures/cluster.ts";
import { freePort } from "../fixtures/free-port.ts";
import { Place, type Running } from "../fixtures/place.ts";
import { commandLines, readText } from "./markdown.ts";

const page = "docs/tutorials/operator.md";
/** A job that a sampling profiler sees, and one that does not end. */
const quick = `import { tasks } from "tequio";
export default tasks({
  name: "quick",
  items: [1],
  run(item: number) {
    let sum = item;
    for (let i = 0; i < 20_000_000; i++) sum = (sum * 31 + i) % 9_973;
    return sum;
  },
});
`;
const endless = `import { tasks } from "tequio";
export default tasks({ name: "endless", items: [1], run: () => new Promise<number>(() => {}) });
`;

test("every command of the operator's tutorial does what the page says", async (t) => {
  const place = new Place(t, { "quick.ts": quick, "endless.ts": endless });
  const { cert, key } = selfSigned(["localhost"], Date.now());
  place.write("fullchain.pem", cert);
  chmodSync(place.write("privkey.pem", key), 0o600);
  const operator = new Operator(place, await freePort());
  const lines = commandLines(readText(page));
  assert.ok(lines.length >= 28, `${lines.length} commands`);
  for (const line of lines) await operator.does(line);
  assert.deepEqual(operator.ups, [0, 0], "both starts ended in order");
});

/** Runs lines of the page in a place of its own, where the page names another machine. */
class Operator {
  readonly ups: Array<number | null> = [];
  readonly #place: Place;
  readonly #port: number;
  readonly #ids = new Map<string, string>();
  #up: Running | null = null;
  #shown: Announced | null = null;

  constructor(place: Place, port: number) {
    this.#place = place;
    this.#port = port;
  }

  async does(line: string): Promise<void> {
    const args = this.#here(line);
    const [command] = args;
    if (command === "up") return this.#starts(args);
    if (command === "join") return this.#joins(args);
    if (line.includes("token create")) return this.#creates(args);
    const { code, err, out } = await this.#place.run(...args);
    const said = `${line}: ${out}${err}`;
    // What a test's machine is like is the doctor's to say.
    assert.ok(code === 0 || (command === "doctor" && code === 1), said);
    const expected = shows[line];
    if (expected !== undefined) assert.match(out, expected, said);
    if (command === "down") await this.#ended();
  }

  /** The line's words, with what is here instead of what the page names. */
  #here(line: string): string[] {
    const { dir } = this.#place;
    return line
      .replace("0.0.0.0:7070", `127.0.0.1:${this.#port}`)
      .replace("https://cluster.example:7070", this.#shown?.url ?? "")
      .replace("/mnt/backup/tequio", join(dir, "backup"))
      .replace("/srv/restored", join(dir, "restored"))
      .replace("/var/lib/tequio", join(dir, "worker"))
      .replace("revoke ID", `revoke ${this.#ids.get("ana")}`)
      .split(" ")
      .slice(1);
  }

  async #starts(args: readonly string[]): Promise<void> {
    assert.equal(this.#up, null, "the one before has ended");
    const up = this.#place.start(...args, "--json");
    this.#up = up;
    // Its log is JSON, too, on the other stream.
    const line = await polled(
      async () => /^\{.*"join":.*\}$/m.exec(up.out)?.[0] ?? "",
      (found) => found !== "" || up.child.exitCode !== null,
    );
    assert.notEqual(line, "", up.err);
    this.#shown = JSON.parse(line) as Announced;
    assert.match(this.#shown.url, /^https:/);
  }

  async #ended(): Promise<void> {
    this.ups.push((await this.#up?.ended)?.code ?? null);
    this.#up = null;
  }

  async #creates(args: readonly string[]): Promise<void> {
    const { code, err, out } = await this.#place.run(...args, "--json");
    assert.equal(code, 0, err);
    const { id, token } = JSON.parse(out) as { id: string; token: string };
    const owner = args[args.indexOf("--owner") + 1] as string;
    this.#ids.set(owner, id);
    chmodSync(this.#place.write(`${args[args.indexOf("--role") + 1]}.token`, token), 0o600);
  }

  /** And jobs of a user, one of which stays. */
  async #joins(args: readonly string[]): Promise<void> {
    // No authority that this machine knows has signed the test's certificate.
    const pin = /--fingerprint (\S+)/.exec(this.#shown?.join ?? "")?.[1] ?? "";
    this.#place.start(...args, "--fingerprint", pin);
    const user = ["--url", this.#shown?.url ?? "", "--token-file", "submitter.token"];
    for (const job of ["quick.ts", "endless.ts"]) {
      const there = [...user, "--fingerprint", pin];
      const { code, err } = await this.#place.run("run", job, "--detach", ...there);
      assert.equal(code, 0, err);
    }
    await polled(
      () => this.#place.run("status", "j-1", "--json"),
      ({ out }) => /"state": ?"done"/.test(out),
    );
  }
}

/** What is on the screen, where the page says so. */
const shows: Readonly<Record<string, RegExp>> = {
  "tequio token ls": /submitter +ana/,
  "tequio workers": /w-1/,
  "tequio jobs": /j-2 .*endless/,
  "tequio why j-1": /j-1 is done/,
  "tequio why w-1": /w-1/,
  "tequio top": /endless/,
  "tequio metrics": /^tequio_/m,
  "tequio profile j-1 0 --publish": /kept: the page of j-1 draws it/,
  "tequio workers --all": /w-1/,
};
