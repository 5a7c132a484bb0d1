/** Messages of the console protocol as existing implementations send them, with their meaning. */
import type { ConsoleRequest, FileRequest, Operation, Outcome } from "../messages.ts";
import { utf8 } from "../strings.ts";

export function bytesOf(text: string): Uint8Array {
  return utf8(text);
}

export type GoldenRequest = {
  readonly request: ConsoleRequest | FileRequest;
  /** Without a date-time. */
  readonly strings: readonly string[];
};

export const dateTimes = [
  null,
  "21/11/2026 02:15:45",
  "test/python/timestamp test:python:timestamp",
  "00/00/0000 00:00:00",
] as const;

const alice = "alice";
const path = "/srv/año/notes.txt";

export const requests: readonly GoldenRequest[] = [
  { request: { operation: "REGISTER", user: alice }, strings: ["REGISTER", alice] },
  { request: { operation: "UNREGISTER", user: alice }, strings: ["UNREGISTER", alice] },
  {
    request: { operation: "CONNECT", user: "bob", port: 33_067 },
    strings: ["CONNECT", "bob", "33067"],
  },
  {
    request: { operation: "PUBLISH", user: alice, path, description: "my notes, año 1" },
    strings: ["PUBLISH", alice, path, "my notes, año 1"],
  },
  {
    request: { operation: "PUBLISH", user: alice, path, description: "" },
    strings: ["PUBLISH", alice, path, ""],
  },
  { request: { operation: "DELETE", user: alice, path }, strings: ["DELETE", alice, path] },
  { request: { operation: "LIST_USERS", user: alice }, strings: ["LIST_USERS", alice] },
  {
    request: { operation: "LIST_CONTENT", user: alice, remote: "bob" },
    strings: ["LIST_CONTENT", alice, "bob"],
  },
  { request: { operation: "DISCONNECT", user: alice }, strings: ["DISCONNECT", alice] },
  { request: { operation: "GET_FILE", path }, strings: ["GET_FILE", path] },
];

/** The strings of a request as bytes, with a date-time after the operation unless it is null. */
export function requestBytes(strings: readonly string[], dateTime: string | null): Uint8Array {
  const [operation, ...others] = strings;
  const all = dateTime === null ? strings : [operation, dateTime, ...others];
  return bytesOf(all.map((text) => `${text}\0`).join(""));
}

/** Every result byte with what it means and what a console prints for it. */
export const results: readonly (readonly [Operation, number, Outcome, string])[] = [
  ["REGISTER", 0, "ok", "REGISTER OK"],
  ["REGISTER", 1, "name-in-use", "USERNAME IN USE"],
  ["REGISTER", 2, "other", "REGISTER FAIL"],
  ["UNREGISTER", 0, "ok", "UNREGISTER OK"],
  ["UNREGISTER", 1, "no-user", "USER DOES NOT EXIST"],
  ["UNREGISTER", 2, "other", "UNREGISTER FAIL"],
  ["CONNECT", 0, "ok", "CONNECT OK"],
  ["CONNECT", 1, "no-user", "CONNECT FAIL, USER DOES NOT EXIST"],
  ["CONNECT", 2, "connected-already", "USER ALREADY CONNECTED"],
  ["CONNECT", 3, "other", "CONNECT FAIL"],
  ["PUBLISH", 0, "ok", "PUBLISH OK"],
  ["PUBLISH", 1, "no-user", "PUBLISH FAIL, USER DOES NOT EXIST"],
  ["PUBLISH", 2, "not-connected", "PUBLISH FAIL, USER NOT CONNECTED"],
  ["PUBLISH", 3, "published-already", "PUBLISH FAIL, CONTENT ALREADY PUBLISHED"],
  ["PUBLISH", 4, "other", "PUBLISH FAIL"],
  ["DELETE", 0, "ok", "DELETE OK"],
  ["DELETE", 1, "no-user", "DELETE FAIL, USER DOES NOT EXIST"],
  ["DELETE", 2, "not-connected", "DELETE FAIL, USER NOT CONNECTED"],
  ["DELETE", 3, "not-published", "DELETE FAIL, CONTENT NOT PUBLISHED"],
  ["DELETE", 4, "other", "DELETE FAIL"],
  ["LIST_USERS", 0, "ok", "LIST_USERS OK"],
  ["LIST_USERS", 1, "no-user", "LIST_USERS FAIL, USER DOES NOT EXIST"],
  ["LIST_USERS", 2, "not-connected", "LIST_USERS FAIL, USER NOT CONNECTED"],
  ["LIST_USERS", 3, "other", "LIST_USERS FAIL"],
  ["LIST_CONTENT", 0, "ok", "LIST_CONTENT OK"],
  ["LIST_CONTENT", 1, "no-user", "LIST_CONTENT FAIL, USER DOES NOT EXIST"],
  ["LIST_CONTENT", 2, "not-connected", "LIST_CONTENT FAIL, USER NOT CONNECTED"],
  ["LIST_CONTENT", 3, "no-remote-user", "LIST_CONTENT FAIL, REMOTE USER DOES NOT EXIST"],
  ["LIST_CONTENT", 4, "other", "LIST_CONTENT FAIL"],
  ["DISCONNECT", 0, "ok", "DISCONNECT OK"],
  ["DISCONNECT", 1, "no-user", "DISCONNECT FAIL, USER DOES NOT EXIST"],
  ["DISCONNECT", 2, "not-connected", "DISCONNECT FAIL, USER NOT CONNECTED"],
  ["DISCONNECT", 3, "other", "DISCONNECT FAIL"],
  ["GET_FILE", 0, "ok", "GET_FILE OK"],
  ["GET_FILE", 1, "no-file", "GET_FILE FAIL, FILE NOT EXIST"],
  ["GET_FILE", 2, "other", "GET_FILE FAIL"],
];

/** Seen on the wire. */
export const seen = {
  connect: "CONNECT\0test/python/timestamp test:python:timestamp\0bob\x0033067\0",
  users: "\x002\0bob\x00127.0.0.1\x0033067\0alice\x00127.0.0.1\x0050161\0",
  empty: "\x000\0",
} as const;

/** Requests that are answered with `other` and change nothing, with the operation that is known. */
export const malformed: readonly (readonly [string, Uint8Array, Operation | null])[] = [
  ["no such operation", bytesOf("FORMAT\0alice\0"), null],
  ["a lower-case operation", bytesOf("register\0alice\0"), null],
  ["an operation without NUL that runs into its name", bytesOf("REGISTERalice\0"), null],
  ["an operation of 64 KiB", bytesOf("R".repeat(65_536)), null],
  ["an operation that is not UTF-8", Uint8Array.of(0xff, 0xfe, 0), null],
  ["a name that is not UTF-8", Uint8Array.of(...bytesOf("REGISTER\0"), 0xc3, 0x28, 0), "REGISTER"],
  ["a name of 256 bytes", bytesOf(`REGISTER\0${"a".repeat(256)}\0`), "REGISTER"],
  ["a name of 64 KiB", bytesOf(`REGISTER\0${"a".repeat(65_536)}\0`), "REGISTER"],
  ["a name with a newline", bytesOf("REGISTER\0al\nice\0"), "REGISTER"],
  ["a name with an ESC", bytesOf("REGISTER\0al\x1b[31mice\0"), "REGISTER"],
  ["a name that turns the line around", bytesOf("REGISTER\0al\u202eice\0"), "REGISTER"],
  ["a name too many", bytesOf("REGISTER\0alice\0bob\0"), "REGISTER"],
  ["port 0", bytesOf("CONNECT\0alice\x000\0"), "CONNECT"],
  ["port 65536", bytesOf("CONNECT\0alice\x0065536\0"), "CONNECT"],
  ["port -1", bytesOf("CONNECT\0alice\0-1\0"), "CONNECT"],
  ["port with a blank", bytesOf("CONNECT\0alice\x0080 \0"), "CONNECT"],
  ["port in hexadecimal", bytesOf("CONNECT\0alice\x000x50\0"), "CONNECT"],
  ["port 1e3", bytesOf("CONNECT\0alice\x001e3\0"), "CONNECT"],
  ["somebody else's host", bytesOf("CONNECT\0alice\x0010.0.0.9:80\0"), "CONNECT"],
  ["a path with an ESC", bytesOf("PUBLISH\0alice\0/a\x1b\0d\0"), "PUBLISH"],
  ["no path", bytesOf("PUBLISH\0alice\0\0d\0"), "PUBLISH"],
  ["a long path", bytesOf(`PUBLISH\0alice\0/${"a".repeat(256)}\0d\0`), "PUBLISH"],
];
