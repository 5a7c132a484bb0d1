/** Messages of the browser protocol as its document prints them, and everything that is none. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { ClusterError } from "../../core/error.ts";
import { decodeBrowser, encodeBrowser } from "./codec.ts";
import { parseJson } from "./json.ts";
import { type BrowserBody, browserLimits, type Party } from "./messages.ts";
import { printable } from "./printable.ts";

/** Every message of the document, as it prints them. */
const golden: ReadonlyArray<readonly [from: Party, to: Party, body: BrowserBody, data: string]> = [
  ["browser", "gateway", { action: "connect", uid: null, speed: 100, more: null }, '{"speed":100}'],
  [
    "browser",
    "gateway",
    { action: "finish", uid: null, type: "m", tid: 7, url: ["/a", "/b"], more: null },
    '{"type":"m","tid":7,"url":["/a","/b"]}',
  ],
  ["browser", "gateway", { action: "error", uid: null, error: "no", more: null }, '{"error":"no"}'],
  ["browser", "gateway", { action: "pong", more: null }, "{}"],
  [
    "gateway",
    "browser",
    { action: "task", uid: null, type: "r", tid: -1, url: ["http://h/1", "/2"], more: null },
    '{"type":"r","tid":-1,"url":["http://h/1","/2"]}',
  ],
  ["gateway", "browser", { action: "ping" }, "{}"],
  ["tracker", "gateway", { action: "tracker", more: null }, "{}"],
  [
    "tracker",
    "gateway",
    { action: "task", uid: "9223372036854775807", type: "m", tid: 1, url: ["/i"], more: null },
    '{"type":"m","uid":9223372036854775807,"tid":1,"url":["/i"]}',
  ],
  [
    "gateway",
    "tracker",
    { action: "connect", uid: "5", speed: 1, more: null },
    '{"uid":5,"speed":1}',
  ],
  ["gateway", "tracker", { action: "disconnect", uid: "5" }, '{"uid":5}'],
  [
    "gateway",
    "tracker",
    { action: "error", uid: "5", error: "x", more: null },
    '{"uid":5,"error":"x"}',
  ],
  [
    "gateway",
    "tracker",
    { action: "finish", uid: "5", type: "r", tid: 2147483647, url: ["/o"], more: null },
    '{"type":"r","uid":5,"tid":2147483647,"url":["/o"]}',
  ],
];

function refused(text: string, from: Party = "browser", to: Party = "gateway"): string {
  try {
    decodeBrowser(text, from, to);
  } catch (error) {
    assert.ok(error instanceof ClusterError);
    assert.equal(error.code, "protocol-violated");
    return error.text;
  }
  assert.fail(`accepted ${text.slice(0, 100)}`);
}

const connect = (speed: string) =>
  `{"status":1,"message":"","action":"connect","data":{"speed":${speed}}}`;

describe("messages of the browser protocol", () => {
  for (const [from, to, body, data] of golden) {
    it(`${body.action} from ${from} to ${to} has the document's keys`, () => {
      const text = `{"status":1,"message":"","action":"${body.action}","data":${data}}`;
      assert.equal(encodeBrowser(body), text);
      assert.deepEqual(decodeBrowser(text, from, to), { ok: true, message: "", body });
    });
  }

  it("T5.1: a uid of 64 bits keeps every digit, in both directions", () => {
    for (const uid of ["9223372036854775807", "18446744073709551615", "-9223372036854775808"]) {
      const text = encodeBrowser({ action: "disconnect", uid });
      assert.ok(text.includes(`"uid":${uid}`));
      const { body } = decodeBrowser(text, "gateway", "tracker");
      assert.deepEqual(body, { action: "disconnect", uid });
    }
    const data = '{"uid":18446744073709551616}';
    const beyond = `{"status":1,"message":"","action":"disconnect","data":${data}}`;
    assert.match(refused(beyond, "gateway", "tracker"), /64-bit/);
  });

  it("T5.1: a tid beyond 32 bits, or with a fraction, is refused", () => {
    for (const tid of ["2147483648", "-2147483649", "1.5", '"1.5"', "null", "9007199254740993"]) {
      const data = `{"type":"m","tid":${tid},"url":["/a"]}`;
      const text = `{"status":1,"message":"","action":"finish","data":${data}}`;
      assert.match(refused(text), /32-bit/);
    }
  });

  it("T5.2: text from a peer becomes one printable line of bounded length", () => {
    assert.equal(printable("a\u001b[2Jb\nc\u202ed"), "a\\u{1b}[2Jb\\u{a}c\\u{202e}d");
    assert.ok(printable("x".repeat(10_000)).length < 600);
    assert.equal(printable("任务 mañana"), "任务 mañana");
  });

  it("T5.4: addresses of other kinds, and wrong numbers of them, are refused", () => {
    const finish = (type: string, url: string) =>
      `{"status":1,"message":"","action":"finish","data":{"type":"${type}","tid":1,"url":${url}}}`;
    for (const address of [
      "javascript:alert(1)",
      "file:///etc/passwd",
      "data:,x",
      "/a ",
      "\\\\h",
    ]) {
      assert.match(refused(finish("m", JSON.stringify([address]))), /address/);
    }
    assert.match(refused(finish("r", "[]")), /0 addresses/);
    assert.match(refused(finish("r", '["/a","/b"]')), /2 addresses/);
    assert.match(refused(finish("x", '["/a"]')), /type/);
    assert.match(refused(finish("m", JSON.stringify(["/".repeat(10_000)]))), /address/);
    assert.match(refused(finish("m", "[1]")), /address/);
    assert.match(refused(finish("m", "7")), /not a list/);
  });

  const bad: ReadonlyArray<readonly [what: string, text: string]> = [
    ["a missing status", '{"message":"","action":"pong","data":{}}'],
    ["a missing message", '{"status":1,"action":"pong","data":{}}'],
    ["a missing action", '{"status":1,"message":"","data":{}}'],
    ["missing data", '{"status":1,"message":"","action":"pong"}'],
    ["an array for data", '{"status":1,"message":"","action":"pong","data":[]}'],
    ["an array for the message", "[]"],
    ["status 2", '{"status":2,"message":"","action":"pong","data":{}}'],
    ["status as text", '{"status":"1","message":"","action":"pong","data":{}}'],
    ["a message that is not text", '{"status":1,"message":7,"action":"pong","data":{}}'],
    ["NaN", connect("NaN")],
    ["1e400", connect("1e400")],
    ["a key twice", '{"status":1,"status":1,"message":"","action":"pong","data":{}}'],
    ["half a surrogate pair", '{"status":1,"message":"\\ud800","action":"pong","data":{}}'],
    ["5,000 levels", connect("[".repeat(5_000) + "]".repeat(5_000))],
    ["__proto__", '{"status":1,"message":"","action":"pong","data":{"__proto__":{}}}'],
    ["an unknown action", '{"status":1,"message":"","action":"shutdown","data":{}}'],
    ["an action of the receiver", '{"status":1,"message":"","action":"task","data":{}}'],
    ["text after the end", '{"status":1,"message":"","action":"pong","data":{}} {}'],
    ["nothing", ""],
    ["typographic quotes", "{“status”:1}"],
    ["a speed that is no number", connect('"fast"')],
  ];
  for (const [what, text] of bad) {
    it(`T5.5: ${what} is a bad message`, () => void refused(text));
  }

  it("T5.6: a message beyond the limit is not read", () => {
    const text = connect("1").replace(
      '""',
      JSON.stringify("x".repeat(browserLimits.messageMaxBytes)),
    );
    assert.match(refused(text), /characters/);
  });

  it("T5.8: any speed is clamped to 1 … 2^31 − 1", () => {
    const speeds = {
      null: 2147483647,
      '"9"': 9,
      '"84.27"': 84,
      "0": 1,
      "-1": 1,
      "2147483648": 2147483647,
      "1e9": 1e9,
      "0.5": 1,
      "7.9": 7,
    };
    for (const [said, taken] of Object.entries({ ...speeds, "99999999999999999999": 2147483647 })) {
      const { body } = decodeBrowser(connect(said), "browser", "gateway");
      assert.ok(body.action === "connect");
      assert.equal(body.speed, taken, said);
    }
  });

  it("a message cut anywhere is refused, and nothing but a ClusterError is thrown", () => {
    const text = encodeBrowser(golden[7]![2]);
    for (let end = 0; end < text.length; end++) refused(text.slice(0, end), "tracker", "gateway");
  });

  it("passes on unknown fields, whatever they hold", () => {
    const text = connect('1,"more":{"n":123456789012345678901,"a":[1,{"b":null}]}');
    const { body } = decodeBrowser(text, "browser", "gateway");
    assert.match(
      encodeBrowser(body),
      /"more":\{"n":123456789012345680000,"a":\[1,\{"b":null\}\]\}/,
    );
  });

  it("reads JSON as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const expected: unknown = JSON.parse(text);
        if (/__proto__|constructor|prototype/.test(text)) return;
        if (!text.isWellFormed() || /\\ud[89a-f]/i.test(text)) return;
        const plain = JSON.stringify(parseJson(text, 64), (_key, value) =>
          typeof value === "bigint" ? Number(value) : value,
        );
        assert.equal(plain, JSON.stringify(expected));
      }),
      { numRuns: 500 },
    );
  });
});
