/** Decoders of P4's control channel: bodies, trees of files, addresses. */
import { p4Routes } from "../../src/coordinator/edges/p4/calls.ts";
import { parseJson } from "../../src/coordinator/edges/p4/json.ts";
import { parseFileAddress } from "../../src/wire/p4/control.ts";
import { flattenTree } from "../../src/wire/p4/control-tree.ts";
import type { Decoder } from "./decoders.ts";

const utf8 = (text: string) => Uint8Array.from(Buffer.from(text));
const json = (value: unknown) => utf8(JSON.stringify(value));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");

const root = "ab".repeat(32);
const token = "0f".repeat(32);
const leaf = { root, size_bytes: 2 ** 40, description: "el niño" };

const bodies = [
  { client_id: "a", ip: "127.0.0.1", port: 8001, genericToken: "secret", ttl_s: 60, token },
  { token, file_name: "dir/a b.txt", ...leaf },
  { token, file_name: null, root, tree: true },
  { token, files: { a: null, b: { c: leaf } } },
  { token, ticket: "x".repeat(43) },
];
const trees = [
  { a: null, b: { c: leaf, d: ["e", "f/g"] } },
  [{ name: "a", children: [{ name: "b", ...leaf }] }, "c", { name: "d", files: { e: null } }],
];

export const controlDecoders: readonly Decoder[] = [
  {
    name: "bodies",
    wire: "p4",
    share: 0.5,
    samples: bodies.map(json),
    // Any body is that of one call or of none.
    decode: (bytes) => {
      const value = parseJson(bytes);
      return p4Routes.map(({ body }) => body.safeParse(value).success);
    },
    refusals: [],
  },
  {
    name: "trees",
    wire: "p4",
    share: 0.3,
    samples: trees.map((files) => json({ files })),
    decode: (bytes) => {
      const body = parseJson(bytes);
      return body === undefined ? null : flattenTree(body.files);
    },
    refusals: ["bad-request", "limit-exceeded"],
  },
  {
    name: "file addresses",
    wire: "p4",
    share: 0.2,
    samples: ["grpc://127.0.0.1:8001/a b/c:d", "grpc://[::1]:1/x", "grpc://host:65535/"].map(utf8),
    decode: (bytes) => parseFileAddress(text(bytes)),
    refusals: [],
  },
];
