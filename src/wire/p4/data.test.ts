/** Messages of the data channel: their bytes, their table against p4.proto, and hostile ones. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { numbersOf } from "../../../scripts/build-proto.ts";
import type { Field, Schema } from "../protobuf/schema.ts";
import * as data from "./data.ts";
import * as shuffle from "./shuffle.ts";

const proto = readFileSync(new URL("p4.proto", import.meta.url), "utf8").replaceAll(
  /\/\/.*$/gm,
  "",
);

function protoFields(name: string): Record<string, number> {
  return Object.fromEntries(numbersOf(proto).get(name) ?? assert.fail(name));
}

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const tables = {
  fileRequest: data.fileRequest,
  pieceRun: data.pieceRun,
  openRequest: data.openRequest,
  openAnswer: data.openAnswer,
  layerRequest: data.layerRequest,
  layerAnswer: data.layerAnswer,
  readRequest: data.readRequest,
  challengeAnswer: shuffle.challengeAnswer,
  openStageRequest: shuffle.openStageRequest,
  openStageAnswer: shuffle.openStageAnswer,
  readPartRequest: shuffle.readPartRequest,
} as unknown as Readonly<Record<string, Schema<never>>>;

test("p4.proto and the tables agree", () => {
  for (const [name, schema] of Object.entries(tables)) {
    const rows = Object.entries(schema.fields as Record<string, Field<unknown>>);
    const numbers = rows.map(([field, row]) => [snake(field), row.numbers[0]]);
    assert.deepEqual(Object.fromEntries(numbers), protoFields(name), name);
  }
  assert.deepEqual(protoFields("fileBytes"), { file_bytes: 1 });
  assert.deepEqual(protoFields("readAnswer"), { piece: 1, content: 2 });
  assert.deepEqual(protoFields("partAnswer"), { content: 1 });
  for (const path of [...Object.values(data.paths), ...Object.values(shuffle.shufflePaths)]) {
    const [, service, call] = path.split("/");
    const body = new RegExp(`service ${service} \\{([^}]*\\}[^}]*)*\\}`).exec(proto)?.[0] ?? "";
    assert.match(body, new RegExp(`rpc ${call} \\(`));
  }
});

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const joined = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

test("the bytes are those of protobuf", () => {
  const name = data.encode(data.fileRequest, { filePath: "dir/ñ.txt" }, 100);
  assert.equal(hex(name), "0a0a6469722fc3b12e747874");
  const runs = [
    { first: 0, count: 1 },
    { first: 300, count: 2 },
  ];
  const read = { session: Uint8Array.of(1, 2), runs };
  assert.equal(
    hex(data.encode(data.readRequest, read, 100)),
    "0a0201021202100112050" + "8ac021002",
  );
  assert.deepEqual(data.decode(data.readRequest, data.encode(data.readRequest, read, 100)), read);
});

test("content travels without being copied, and reads back", () => {
  for (const piece of [0, 1, 127, 128, 2 ** 40]) {
    for (const length of [0, 1, 127, 128, 1024 * 1024]) {
      const content = new Uint8Array(length).fill(9);
      const parts = data.readAnswerParts({ piece, content });
      assert.equal(parts[1], content);
      assert.deepEqual(data.readAnswerOf(joined(parts)), { piece, content });
      const whole = joined(data.fileBytesParts(content));
      assert.deepEqual(data.fileBytesOf(whole, 2 ** 21), content);
    }
  }
});

test("T4.3: messages with wrong lengths, or with more than requested, are refused", () => {
  const content = new Uint8Array(1024 * 1024 + 1);
  const tooLong = joined(data.readAnswerParts({ piece: 0, content }));
  assert.throws(() => data.readAnswerOf(tooLong), /protocol-violated/);
  assert.throws(() => data.fileBytesOf(Uint8Array.of(0x0a, 5, 1), 10), /protocol-violated/);
  const many = new Uint8Array(2 * (data.runsMax + 1)).map((_, i) => (i % 2 === 0 ? 0x12 : 0));
  assert.throws(() => data.decode(data.readRequest, many), /repeated values/);
  const name = Buffer.concat([Buffer.of(0x0a, 0x81, 0x20), Buffer.alloc(4097, 97)]);
  assert.throws(() => data.decode(data.fileRequest, name), /protocol-violated/);
});
