/** The manager protocol against messages that protoc generates: every frame, and a worker. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { opened } from "../../src/coordinator/testing/opened.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { oldFrames, ourFrames } from "../../src/wire/manager/testdata/golden.ts";
import { Place } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";
import { Started } from "../fixtures/started.ts";
import { pythonWith } from "../python/find.ts";

const program = join(import.meta.dirname, "protoc_peer.py");
const folder = join(repository, "src/wire/manager");

const protoc = spawnSync("protoc", ["--version"]).status === 0;
const python = pythonWith("google.protobuf");
const skip =
  protoc && python !== null
    ? false
    : "no protoc and Python with protobuf (Debian: protobuf-compiler, python3-protobuf)";
const socket = pythonWith("google.protobuf, websocket");
const skipWorker =
  skip || (socket === null && "no Python with websocket (Debian: python3-websocket)");

/** The folder of the generated messages. */
function generated(t: Parameters<typeof temporaryDir>[0]): string {
  const dir = temporaryDir(t);
  execFileSync("protoc", [`--proto_path=${folder}`, `--python_out=${dir}`, "manager.proto"]);
  return dir;
}

test("protoc's messages read every frame and write the same bytes", { skip }, (t) => {
  const frames = [...oldFrames, ...ourFrames];
  const input = frames.map(({ hex }) => `${hex}\n`).join("");
  const out = execFileSync(python ?? "", [program, "frames", generated(t)], { input });
  const lines = String(out).trim().split("\n");
  const snake = (kind: string) => kind.replaceAll(/[A-Z]/g, (one) => `_${one.toLowerCase()}`);
  const expected = frames.map(({ envelope, hex }) => `${snake(envelope.message.kind)} ${hex}`);
  assert.deepEqual(lines, expected);
});

test("T2.2: a worker of protoc's messages says all that a worker says", {
  skip: skipWorker,
}, async (t) => {
  const cluster = await opened(t);
  const place = new Place(t);
  copyFileSync(join(repository, "examples/count-primes/primes.wasm"), join(place.dir, "m.wasm"));
  chmodSync(place.write("token", cluster.coordinator.adminToken), 0o600);
  const token = await cluster.coordinator.joinToken({ ttlMs: 0, usesMax: 1 });
  const address = `${cluster.url.replace("http", "ws")}/balthazar/worker/0.3.1`;
  const args = [program, "worker", generated(t), address, token];
  const worker = Started.during(t, [socket ?? "", ...args]);
  const at = ["--url", cluster.url, "--token-file", "token", "--timeout", "300s"];
  const { code, err, out } = await place.run(
    "run",
    "m.wasm",
    "one",
    "two",
    "three",
    "four",
    ...at,
    "-o",
    "-",
  );
  assert.equal(code, 0, err);
  assert.deepEqual(out.split("\n"), ['"first"', '{"base64":"/w=="}', "null", '"last"', ""]);
  const ended = await worker.ended;
  assert.equal(ended.out, "ok\n", ended.err);
});
