/** Messages and their bytes, both ways, and refused messages. */
import assert from "node:assert/strict";
import test from "node:test";
import { ClusterError } from "../../core/error.ts";
import { bytesOf, decodeMessage, encodeMessage, textOf } from "./codec.ts";
import { decodeAddress, encodeAddress, isQuestion, question } from "./discovery.ts";
import { readJson } from "./json-reader.ts";
import { writeJson } from "./json-writer.ts";
import { parseDetails, parseRequest } from "./messages.ts";
import { fileNameOf, jobOfDatabase } from "./names.ts";
import { parseRegisterRequest } from "./register.ts";
import { floatText, PyFloat, type PyValue } from "./value.ts";

const table: ReadonlyArray<readonly [string, Readonly<Record<string, PyValue>>, string]> = [
  ["OK", {}, "OK 0 {}"],
  ["OK", { ip: "10.0.0.2", port: "9214" }, 'OK 2 {"ip": "10.0.0.2", "port": "9214"}'],
  ["PING", { info: "estás vivo?" }, 'PING 1 {"info": "est\\u00e1s vivo?"}'],
  ["OK", { workers: [["10.0.0.2", "1"]] }, 'OK 1 {"workers": [["10.0.0.2", "1"]]}'],
  [
    "X",
    { a: null, b: true, c: 10n ** 20n, d: new PyFloat(1), e: [], f: new Map(), g: "😀\n\u007f" },
    'X 7 {"a": null, "b": true, "c": 100000000000000000000, "d": 1.0, "e": [], "f": {}, ' +
      '"g": "\\ud83d\\ude00\\n\u007f"}',
  ],
];

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ClusterError) return error.code;
    throw error;
  }
  return "taken";
}

test("messages have the bytes of Python's json, both ways", () => {
  for (const [name, payload, text] of table) {
    assert.equal(textOf(encodeMessage(name, payload)), text);
    const expected = { name, payload: new Map(Object.entries(payload)) };
    assert.deepEqual(decodeMessage(bytesOf(text)), expected);
  }
});

test("a message that is cut off anywhere is refused, or is one without its payload", () => {
  for (const [, , text] of table) {
    const bytes = bytesOf(text);
    for (let at = 0; at < bytes.length; at++) {
      const cut = bytes.subarray(0, at);
      if (refusal(() => decodeMessage(cut)) === "protocol-violated") continue;
      assert.equal(decodeMessage(cut).payload.size, 0);
      assert.match(textOf(cut), /^[A-Z]+( 0.*)?$/);
    }
  }
});

test("T1.5: what is not a message, or has another length than it announces, is refused", () => {
  const bad = [
    "",
    " ",
    "OK -1 {}",
    "OK 1.5 {}",
    "OK 2147483647 {}",
    'OK 1 {"a": 1, "b": 2}',
    'OK 1 {"a": 1}OK 1 {"a": 1}',
    "OK 1 [1]",
    'OK 1 {"a": "\u0001"}',
    'OK 1 {"a": "\\x"}',
    "OK 1 {'a': 1}",
    `OK 1 {"a": ${"[".repeat(200)}${"]".repeat(200)}}`,
    `OK 1 {"a": ${"9".repeat(5_000)}}`,
    "\0\0\0\0",
  ];
  for (const text of bad) {
    assert.equal(
      refusal(() => decodeMessage(bytesOf(text))),
      "protocol-violated",
      text,
    );
  }
  const notText = Uint8Array.of(0x4f, 0x4b, 0x20, 0x31, 0x20, 0xff);
  assert.equal(
    refusal(() => decodeMessage(notText)),
    "protocol-violated",
  );
});

test("T1.6: extra keys are ignored, `__proto__` is only a key, missing keys are named", () => {
  const text = 'GETDATA 4 {"file_url": "a/b", "__proto__": {"x": 1}, "constructor": 1, "more": []}';
  const message = decodeMessage(bytesOf(text));
  assert.deepEqual(parseRequest(message), { call: "GETDATA", file: "a/b" });
  assert.equal(({} as Record<string, unknown>).x, undefined);
  const typo = { name: "PUTJOB", payload: new Map([["file_url", "a/b"]]) };
  assert.deepEqual(parseRequest(typo), { call: "GETDATA", file: "a/b" });
  const bare = { name: "PUTDATA", payload: new Map() };
  assert.throws(() => parseRequest(bare), /PUTDATA needs file_url, a string/);
  assert.throws(() => parseRequest({ ...bare, name: "DESTROY" }), /DESTROY is not for/);
});

test("both spellings are read: the document's and the deployed one", () => {
  const pairs = [
    ['PUTDATA 2 {"file_url": "./j//x", "bytes": true}', 'PUTDATA 2 {"file_url": "j/x", "byte": 1}'],
    [
      'INSERTJOB 1 {"db_url": "j/database.sqlite3"}',
      'INSERTJOB 1 {"status_db_url": "./j/database.sqlite3"}',
    ],
    ['PUTJOB 1 {"job_hash": "j"}', 'PUTJOB 1 {"job_id": "j"}'],
    ['REMOVEJOB 1 {"file_url": "j"}', 'REMOVEJOB 1 {"job_url": "./j"}'],
  ];
  for (const [document = "", deployed = ""] of pairs) {
    const read = (text: string) => parseRequest(decodeMessage(bytesOf(text)));
    assert.deepEqual(read(document), read(deployed));
  }
  const results = ["result_url", "result_urls"].map((key) => {
    const text = `BLOCKRESULT 2 {"block_id": "map_0", "${key}": ["j/a"]}`;
    return parseDetails("BLOCKRESULT", decodeMessage(bytesOf(text)));
  });
  assert.deepEqual(results[0], results[1]);
  const register = 'FILESYSREG 1 {"addr": ["10.0.0.2", "8080"]}';
  const address = { host: "10.0.0.2", port: 8_080 };
  assert.deepEqual(parseRegisterRequest(decodeMessage(bytesOf(register))), {
    call: "FILESYSREG",
    node: { address, ping: null },
  });
});

test("SQL in the name of a column or table is refused", () => {
  const texts = [
    'GETROWS 2 {"table": "block; DROP TABLE block", "filters": []}',
    'GETROWS 2 {"table": "block", "filters": [["1=1 OR state", "x"]]}',
    'GETROWS 2 {"table": "toString", "filters": []}',
  ];
  for (const text of texts) {
    assert.equal(
      refusal(() => parseDetails("GETROWS", decodeMessage(bytesOf(text)))),
      "bad-request",
    );
  }
});

test("T1.2: a name that climbs out of the store names nothing", () => {
  const outside = [
    "../x",
    "a/../../x",
    "/a",
    "a\\b",
    "",
    ".",
    "./",
    "a/..",
    "x\0y",
    "é".repeat(600),
  ];
  for (const url of outside)
    assert.equal(
      refusal(() => fileNameOf(url)),
      "not-found",
      url,
    );
  for (const url of ["/database.sqlite3", "../database.sqlite3", "a/b/database.sqlite3", "a/b"]) {
    assert.equal(
      refusal(() => jobOfDatabase(url)),
      "not-found",
      url,
    );
  }
  assert.equal(fileNameOf("./a/./b//c.txt"), "a/b/c.txt");
});

test("floats are written as Python writes them", () => {
  const texts = ["0.0", "-0.0", "1.0", "0.1", "1e+16", "123456789012345.0", "1e-05", "0.0001"];
  texts.push("1.5e+300", "-2.5", "5e-324", "9007199254740993.0".replace("3.0", "2.0"), "NaN");
  for (const text of texts) {
    assert.equal(floatText(text === "NaN" ? Number.NaN : Number(text)), text);
    assert.equal(writeJson(readJson(text)), text);
  }
});

test("discovery has the bytes of deployed file systems, and reads no other pickle", () => {
  assert.ok(isQuestion(bytesOf("Any worker there?")));
  assert.ok(!isQuestion(question.subarray(1)));
  const hex = "80049515000000000000008c0831302e302e302e32948c0438303830948694" + "2e";
  const address = { host: "10.0.0.2", port: 8_080 };
  assert.equal(Buffer.from(encodeAddress(address)).toString("hex"), hex);
  assert.deepEqual(decodeAddress(Buffer.from(hex, "hex")), address);
  const protocol0 = "(V10.0.0.2\np0\nV8080\np1\ntp2\n.";
  assert.deepEqual(decodeAddress(bytesOf(protocol0)), address);
  const run = "cos\nsystem\n(S'true'\ntR.";
  assert.throws(() => decodeAddress(bytesOf(run)), /GLOBAL/);
  for (const text of ["", "(I1\nI2\nt.", "(V10.0.0.2\nV0\nt.", "(V10.0.0.2\nV8080\nV1\nt."]) {
    assert.equal(
      refusal(() => decodeAddress(bytesOf(text))),
      "protocol-violated",
      text,
    );
  }
});
