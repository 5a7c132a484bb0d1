/** Every message and result of the console protocol in both directions, in whatever pieces it
 *  comes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { AnswerReader, FileHeadReader } from "./answers.ts";
import { encodeFileHead, encodeOutcome, encodePaths, encodeRequest, encodeUsers } from "./codec.ts";
import { listLengthMax } from "./limits.ts";
import { operations, resultByte, rules } from "./messages.ts";
import { phrase } from "./phrases.ts";
import { RequestReader } from "./session.ts";
import { bytesOf, dateTimes, requestBytes, requests, results, seen } from "./testdata/golden.ts";

function joined(pieces: Iterable<Uint8Array>): Uint8Array {
  return Uint8Array.from(Buffer.concat([...pieces]));
}

describe("requests", () => {
  for (const { request, strings } of requests) {
    for (const dateTime of dateTimes) {
      const bytes = requestBytes(strings, dateTime);
      const title = strings.join(" ");

      it(`${title}, date-time ${dateTime}: is written as existing clients write it`, () => {
        assert.deepEqual(encodeRequest(request, { dateTime }), bytes);
      });

      it(`${title}, date-time ${dateTime}: is read whole, cut anywhere, and byte by byte`, () => {
        const expected = { kind: "request", request, dateTime };
        for (let cut = 0; cut < bytes.length; cut += 1) {
          const reader = new RequestReader();
          assert.equal(reader.push(bytes.subarray(0, cut)).kind, "more", `cut at ${cut}`);
          assert.deepEqual(reader.push(bytes.subarray(cut)), expected);
        }
        const slow = new RequestReader(dateTime === null ? "never" : "always");
        const readings = [...bytes].map((byte) => slow.push(Uint8Array.of(byte)));
        assert.deepEqual(readings.at(-1), expected);
      });
    }
  }

  it("LIST USERS, LIST CONTENT and GET FILE are the same with a blank", () => {
    for (const { request } of requests.filter(({ strings }) => strings[0]?.includes("_"))) {
      const bytes = encodeRequest(request, { dateTime: null, separator: " " });
      assert.ok(!Buffer.from(bytes).includes("_"));
      assert.deepEqual(new RequestReader().push(bytes), {
        kind: "request",
        request,
        dateTime: null,
      });
    }
  });

  it("the CONNECT that was seen on the wire is read", () => {
    assert.deepEqual(new RequestReader().push(bytesOf(seen.connect)), {
      kind: "request",
      dateTime: "test/python/timestamp test:python:timestamp",
      request: { operation: "CONNECT", user: "bob", port: 33_067 },
    });
  });

  it("a string of 255 bytes is sent, one of 256 and one with a NUL are refused", () => {
    const of = (user: string) => () =>
      encodeRequest({ operation: "REGISTER", user }, { dateTime: null });
    assert.equal(of("é".repeat(127))().length, 9 + 255);
    assert.throws(of("é".repeat(128)), { code: "bad-request", message: /256 bytes/ });
    assert.throws(of("a\0b"), { code: "bad-request", message: /NUL/ });
  });
});

describe("results", () => {
  it("the table has every byte of every operation", () => {
    const expected = operations.flatMap((operation) =>
      rules[operation].outcomes.map((outcome, byte) => [operation, byte, outcome]),
    );
    assert.deepEqual(
      results.map(([operation, byte, outcome]) => [operation, byte, outcome]),
      expected,
    );
  });

  for (const [operation, byte, outcome, sentence] of results) {
    it(`${operation} ${byte} means ${outcome}, printed as ${sentence}`, () => {
      assert.deepEqual(encodeOutcome(operation, outcome), Uint8Array.of(byte));
      assert.equal(phrase(operation, outcome), sentence);
      if (operation === "GET_FILE") {
        const head = new FileHeadReader().push(Uint8Array.of(byte, 0x37, 0));
        assert.equal(head?.outcome, outcome);
      } else {
        const list = outcome === "ok" && operation.startsWith("LIST") ? [0x30, 0] : [];
        const answer = new AnswerReader(operation).push(Uint8Array.of(byte, ...list));
        assert.deepEqual(answer, { outcome, users: [], paths: [] });
      }
    });
  }

  it("an outcome that an operation does not have is sent as its other", () => {
    assert.equal(resultByte("REGISTER", "not-connected"), 2);
    assert.equal(resultByte("PUBLISH", "name-in-use"), 4);
  });

  it("an ASCII digit is refused as a result, and the error says why", () => {
    const read = () => new AnswerReader("REGISTER").push(bytesOf("0"));
    assert.throws(read, { code: "protocol-violated", message: /ASCII/ });
  });
});

describe("lists", () => {
  const users = [
    { name: "bob", host: "127.0.0.1", port: 33_067 },
    { name: "alice", host: "127.0.0.1", port: 50_161 },
  ];

  it("the list of users that was seen on the wire is written and read, byte by byte too", () => {
    assert.deepEqual(joined(encodeUsers(users)), bytesOf(seen.users));
    const reader = new AnswerReader("LIST_USERS");
    const readings = [...bytesOf(seen.users)].map((byte) => reader.push(Uint8Array.of(byte)));
    assert.deepEqual(readings.at(-1), { outcome: "ok", users, paths: [] });
    assert.ok(readings.slice(0, -1).every((reading) => reading === null));
  });

  it("an empty list and one of several pieces are written and read", () => {
    assert.deepEqual(joined(encodePaths([])), bytesOf(seen.empty));
    const paths = Array.from({ length: 1_000 }, (_, at) => `/srv/file ${at}`);
    const pieces = [...encodePaths(paths)];
    assert.ok(pieces.length > 3);
    assert.deepEqual(new AnswerReader("LIST_CONTENT").push(joined(pieces))?.paths, paths);
  });

  it("a name that a string cannot hold is left out, and not counted", () => {
    const long = "x".repeat(256);
    const bytes = joined(encodePaths([long, "/a", "nul\0"]));
    assert.deepEqual(bytes, bytesOf("\x001\0/a\0"));
    assert.deepEqual(
      joined(encodeUsers([{ name: long, host: "::1", port: 1 }])),
      bytesOf("\x000\0"),
    );
  });

  it("a server that closes without a byte, or within a list, has failed", () => {
    const silent = new AnswerReader("LIST_USERS").end();
    assert.deepEqual(silent, { outcome: "other", users: [], paths: [] });
    const cut = new AnswerReader("LIST_CONTENT");
    assert.equal(cut.push(bytesOf("\x002\0/a\0")), null);
    assert.throws(() => cut.end(), { code: "protocol-violated" });
  });

  it("a length that is not a decimal, or above the limit, is refused at once", () => {
    for (const count of ["-1", "0x2", "1e3", "", String(listLengthMax + 1), "9".repeat(200)]) {
      const read = () => new AnswerReader("LIST_CONTENT").push(bytesOf(`\0${count}\0`));
      assert.throws(read, { code: "protocol-violated" }, count);
    }
  });
});

describe("heads of files", () => {
  it("F11: sizes from 0 to 2^53 - 1 are written and read, with the bytes that follow", () => {
    for (const sizeBytes of [0, 1, 4_294_967_296, Number.MAX_SAFE_INTEGER]) {
      const bytes = joined([encodeFileHead(sizeBytes), bytesOf("body")]);
      const head = new FileHeadReader().push(bytes);
      assert.deepEqual(head, { outcome: "ok", sizeBytes, rest: bytesOf("body") });
      const slow = new FileHeadReader();
      const last = [...encodeFileHead(sizeBytes)].map((byte) => slow.push(Uint8Array.of(byte)));
      assert.equal(last.at(-1)?.sizeBytes, sizeBytes);
    }
  });

  it("F11: a size above 2^53, negative or in letters is refused", () => {
    for (const size of ["9007199254740992", "99999999999999999999", "-1", "", "ten", "1.5"]) {
      const read = () => new FileHeadReader().push(bytesOf(`\0${size}\0`));
      assert.throws(read, { code: "protocol-violated" }, size);
    }
  });
});

it("content that begins with more digits than a size has is content, in any pieces", () => {
  const content = bytesOf("12345678901234567890 and text");
  const whole = new FileHeadReader().push(joined([bytesOf("\0"), content]));
  assert.deepEqual(whole, { outcome: "ok", sizeBytes: null, rest: content });
  const slow = new FileHeadReader();
  const heads = [0, ...content].map((byte) => slow.push(Uint8Array.of(byte)));
  assert.equal(heads[20], null, "20 digits may be followed by a NUL");
  assert.deepEqual(heads[21], { outcome: "ok", sizeBytes: null, rest: content.subarray(0, 21) });
  const digits = new FileHeadReader();
  assert.equal(digits.push(bytesOf("\x0012345678901234567890")), null);
  assert.equal(digits.end(), null, "digits alone are a size that was cut short");
});

it("every message reads back, in random pieces", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
  const name = text.filter((value) => !/[\s\p{C}]/u.test(value));
  const cuts = fc.array(fc.nat(60), { maxLength: 6 });
  fc.assert(
    fc.property(name, text, cuts, fc.boolean(), (user, description, places, dated) => {
      const request = { operation: "PUBLISH", user, path: "/a", description } as const;
      const dateTime = dated ? "21/11/2026 02:15:45" : null;
      const bytes = encodeRequest(request, { dateTime });
      const reader = new RequestReader();
      const ends = [...places.toSorted((a, b) => a - b), bytes.length];
      const starts = [0, ...ends];
      const readings = ends.map((end, at) => reader.push(bytes.subarray(starts[at], end)));
      assert.deepEqual(readings.at(-1), { kind: "request", request, dateTime });
    }),
    { numRuns: 200 },
  );
});
