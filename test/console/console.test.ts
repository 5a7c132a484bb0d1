/** The console as users run it: `tequio up` and `tequio console` as processes, with a user and a
 *  server in Python that share no code with the product. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Place, type Running } from "../fixtures/place.ts";
import { Started } from "../fixtures/started.ts";

const program = fileURLToPath(new URL("independent.py", import.meta.url));
const noPython =
  spawnSync("python3", ["--version"]).status === 0 ? false : "there is no python3 on this machine";

/** Starts a coordinator with a console; resolves with the console's port. */
async function up(place: Place): Promise<number> {
  const always = ["up", "--workers", "0", "--listen", "127.0.0.1:0", "--json"];
  const said = await place.start(...always, "--console-port", "0").said('"console"');
  return portOf(said);
}

function portOf(said: string): number {
  const line = said.split("\n").find((text) => text.startsWith("{"));
  return JSON.parse(line!).console.port;
}

/** A console that is sent lines one after another, each once the previous one is answered. */
class Typing {
  readonly #running: Running;
  #said = "";

  constructor(place: Place, port: number, ...options: string[]) {
    this.#running = place.start("console", "-s", "127.0.0.1", "-p", String(port), ...options);
  }

  async type(line: string, answer: string): Promise<void> {
    this.#running.child.stdin?.write(`${line}\n`);
    this.#said += `c> ${answer}\n`;
    const wanted = this.#said;
    const all = await this.#running.said(`${answer}\n`);
    // Standard error may be interleaved: wait for the whole text, without it.
    if (!all.includes(wanted)) await this.#running.said(wanted);
  }

  end(line = "") {
    this.#running.child.stdin?.end(line);
    return this.#running.ended;
  }
}

function python(t: TestContext, ...args: string[]) {
  return Started.during(t, ["python3", program, ...args], { input: true });
}

for (const withTime of ["yes", "no"]) {
  const title = `a user in Python and one of this console share files, date-time: ${withTime}`;
  test(title, { skip: noPython }, async (t) => {
    const place = new Place(t, { "ana.txt": "published by ana\n" });
    const port = await up(place);
    const own = join(place.dir, "ana.txt");
    const ana = new Typing(place, port, ...(withTime === "yes" ? [] : ["--no-datetime"]));
    await ana.type("REGISTER ana", "REGISTER OK");
    await ana.type("connect ana", "CONNECT OK");
    await ana.type(`PUBLISH ${own} by ana`, "PUBLISH OK");
    const eva = python(t, "user", String(port), withTime, place.dir);
    const [ready, path = ""] = (await eva.nextLine()).split(" ");
    assert.equal(ready, "ready");
    const name = withTime === "yes" ? "eva" : "eva2";
    await ana.type(`LIST_CONTENT ${name}`, `LIST_CONTENT OK\n\t${path}`);
    await ana.type(`GET_FILE ${name} ${path} copy.bin`, "GET_FILE OK");
    const copy = readFileSync(join(place.dir, "copy.bin"));
    assert.ok(copy.equals(readFileSync(path)));
    await ana.type(`GET_FILE ${name} /none none.bin`, "GET_FILE FAIL, FILE NOT EXIST");
    eva.child.stdin?.write("\n");
    assert.equal(await eva.nextLine(), "done");
    const { code, out } = await ana.end();
    // A failure in a pipe gives the exit code.
    assert.equal(code, 1);
    assert.match(out, /c> \nDISCONNECT OK\n$/);
  });
}

test("the console talks to a server in Python that sends no byte when it refuses to list", {
  skip: noPython,
}, async (t) => {
  const place = new Place(t, { "a.txt": "abc" });
  const server = python(t, "server");
  const port = Number((await server.nextLine()).split(" ")[1]);
  const file = join(place.dir, "a.txt");
  const ana = new Typing(place, port);
  await ana.type("CONNECT ana", "CONNECT FAIL, USER DOES NOT EXIST");
  await ana.type("REGISTER ana", "REGISTER OK");
  await ana.type("REGISTER ana", "USERNAME IN USE");
  await ana.type("CONNECT ana", "CONNECT OK");
  await ana.type("CONNECT ana", "USER ALREADY CONNECTED");
  await ana.type(`PUBLISH ${file} it's mine`, "PUBLISH OK");
  await ana.type(`PUBLISH ${file} again`, "PUBLISH FAIL, CONTENT ALREADY PUBLISHED");
  await ana.type("LIST CONTENT ana", `LIST_CONTENT OK\n\t${file}`);
  await ana.type("LIST_CONTENT unknown", "LIST_CONTENT FAIL");
  await ana.type(`GET_FILE ana ${file} b.txt`, "GET_FILE OK");
  await ana.type(`DELETE ${file}`, "DELETE OK");
  await ana.type(`DELETE ${file}`, "DELETE FAIL, CONTENT NOT PUBLISHED");
  await ana.type("QUIT", "QUIT FAIL");
  await ana.type("DISCONNECT ana", "DISCONNECT OK");
  await ana.type("DISCONNECT ana", "DISCONNECT FAIL, USER NOT CONNECTED");
  await ana.type("UNREGISTER ana", "UNREGISTER OK");
  await ana.type("UNREGISTER ana", "USER DOES NOT EXIST");
  const { err } = await ana.end();
  assert.match(err, /ana is connected; DISCONNECT ana comes first/);
  assert.equal(place.read("b.txt"), "abc");
});

test("files of a console user are fetched by `tequio get`, and a peer's by GET_FILE", async (t) => {
  // By gRPC in one message; too large for one, so by GET_FILE.
  const large = "0123456789".repeat(600_000);
  const place = new Place(t, { "small.txt": "small\n", "large.txt": large, "peer.txt": "peer\n" });
  const port = await up(place);
  const ana = new Typing(place, port);
  await ana.type("REGISTER ana", "REGISTER OK");
  await ana.type("CONNECT ana", "CONNECT OK");
  for (const [name, content] of [
    ["small.txt", "small\n"],
    ["large.txt", large],
  ] as const) {
    const path = join(place.dir, name);
    await ana.type(`PUBLISH ${path} ${name}`, "PUBLISH OK");
    const got = await place.run("get", path, "-o", `copy-${name}`);
    assert.equal(got.code, 0, got.err);
    assert.ok(place.read(`copy-${name}`) === content);
  }
  const sharing = place.start("share", "peer.txt", "--as", "node-7", "--allow-anonymous");
  await sharing.said("sharing 1 file");
  await ana.type("LIST_CONTENT node-7", "LIST_CONTENT OK\n\tpeer.txt");
  await ana.type("GET_FILE node-7 peer.txt from-peer.txt", "GET_FILE OK");
  assert.equal(place.read("from-peer.txt"), "peer\n");
  await ana.type("DISCONNECT ana", "DISCONNECT OK");
  assert.equal((await ana.end("QUIT\n")).code, 0);
});

test("a coordinator without --console-port has no console; its options want one", async (t) => {
  const place = new Place(t);
  const { code, err } = await place.run("up", "--console-host", "0.0.0.0");
  assert.equal(code, 2);
  assert.match(err, /--console-port/);
});

test("T3.3: users outlive their coordinator, connections no killed console", async (t) => {
  const place = new Place(t);
  const options = ["--workers", "0", "--listen", "127.0.0.1:0", "--json", "--console-port", "0"];
  const first = place.start("up", ...options);
  let port = portOf(await first.said('"console"'));
  const ana = place.start("console", "-s", "127.0.0.1", "-p", String(port));
  ana.child.stdin?.write("REGISTER ana\nCONNECT ana\n");
  await ana.said("CONNECT OK");
  ana.child.kill("SIGKILL");
  first.child.kill("SIGKILL");
  await Promise.all([ana.ended, first.ended]);
  port = portOf(await place.start("up", ...options).said('"console"'));
  const again = await rawCode(port, "REGISTER\0ana\0");
  assert.equal(again, 1);
  assert.equal(await rawCode(port, "CONNECT\0ana\x0033067\0"), 0);
  const { out } = await place.run("logs", "--operations");
  assert.match(out, /REGISTER FROM ana .* name-in-use\n.*CONNECT FROM ana \(127\.0\.0\.1\) ok\n/);
});

async function rawCode(port: number, request: string): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  socket.write(request);
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return answer[0]!;
}
