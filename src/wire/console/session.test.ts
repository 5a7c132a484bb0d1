/** How a server reads requests that are cut short, too long, or ambiguous. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DateTimeUse } from "./messages.ts";
import { RequestReader } from "./session.ts";
import { bytesOf, malformed, requestBytes, requests } from "./testdata/golden.ts";

function read(text: string, use: DateTimeUse = "detect") {
  return new RequestReader(use).push(bytesOf(text));
}

function readEnded(text: string, use: DateTimeUse = "detect") {
  const reader = new RequestReader(use);
  reader.push(bytesOf(text));
  return reader.end();
}

describe("T3.1: what is malformed", () => {
  for (const [title, bytes, operation] of malformed) {
    it(`T3.1: ${title} is detected at once, whole and byte by byte`, () => {
      const whole = new RequestReader().push(bytes);
      assert.equal(whole.kind, "malformed");
      assert.equal(whole.kind === "malformed" && whole.operation, operation);
      const slow = new RequestReader();
      for (const byte of bytes) slow.push(Uint8Array.of(byte));
      // Bytes after a whole request count only when they arrive with it.
      if (title !== "a name too many") assert.equal(slow.end().kind, "malformed");
    });
  }

  it("T3.1: every request that ends early is malformed, and names its user", () => {
    for (const { strings } of requests) {
      // Its date-time alone may be a path: see below.
      if (strings[0] === "GET_FILE") continue;
      for (const dateTime of [null, "21/11/2026 02:15:45"]) {
        const bytes = requestBytes(strings, dateTime);
        for (let length = 0; length < bytes.length; length += 1) {
          const reader = new RequestReader();
          assert.equal(reader.push(bytes.subarray(0, length)).kind, "more");
          assert.equal(reader.end().kind, "malformed", `${strings[0]} cut at ${length}`);
        }
      }
    }
    const early = readEnded("PUBLISH\x0021/11/2026 02:15:45\0alice\0/a\0");
    assert.deepEqual(early, {
      kind: "malformed",
      operation: "PUBLISH",
      user: "alice",
      why: "it ends early",
    });
  });

  it("T3.1: an empty name is malformed once it is clear that no date-time is missing", () => {
    assert.deepEqual(read("REGISTER\0\0"), { kind: "more", doubtful: true });
    assert.equal(readEnded("REGISTER\0\0").kind, "malformed");
    assert.equal(read("REGISTER\0\0", "never").kind, "malformed");
  });

  it("later bytes do not change the decision", () => {
    const reader = new RequestReader();
    const first = reader.push(bytesOf("REGISTER\0alice\0"));
    assert.equal(first.kind, "request");
    assert.equal(reader.push(bytesOf("FORMAT\0")), first);
    assert.equal(reader.end(), first);
  });

  it("NULs after the last string are ignored", () => {
    assert.equal(read("REGISTER\0alice\0\0\0").kind, "request");
  });
});

describe("the date-time", () => {
  const alice = { operation: "REGISTER", user: "alice" };

  it("another form, or its NUL alone, is one too, since no user can have such a name", () => {
    for (const dateTime of ["2026-11-21 02:15:45", "Sat Nov 21 02:15:45 2026", "", " "]) {
      const text = `REGISTER\0${dateTime}\0`;
      assert.deepEqual(read(text), { kind: "more", doubtful: true });
      assert.deepEqual(read(`${text}alice\0`), { kind: "request", request: alice, dateTime });
    }
  });

  it("the usual form is not doubtful", () => {
    const text = "REGISTER\x0021/11/2026 02:15:45\0";
    assert.deepEqual(read(text), { kind: "more", doubtful: false });
  });

  it("by setting, any string or none is one", () => {
    const request = read("REGISTER\0now\0alice\0", "always");
    assert.deepEqual(request, { kind: "request", request: alice, dateTime: "now" });
    assert.equal(read("REGISTER\x0021/11/2026 02:15:45\0", "never").kind, "malformed");
  });

  it("a path that looks like one is requested when nothing follows it", () => {
    const path = "/a/b/c d:e:f";
    assert.deepEqual(read(`GET_FILE\0${path}\0`), { kind: "more", doubtful: true });
    const expected = { kind: "request", request: { operation: "GET_FILE", path }, dateTime: null };
    assert.deepEqual(readEnded(`GET FILE\0${path}\0`), expected);
    const dated = read(`GET_FILE\x0021/11/2026 02:15:45\0${path}\0`);
    assert.deepEqual(dated, { ...expected, dateTime: "21/11/2026 02:15:45" });
  });
});
