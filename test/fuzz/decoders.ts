/** Every decoder of bytes from other machines, with valid samples and the refusals that it may
 *  give. */

import { readToken } from "../../src/coordinator/access/tokens.ts";
import { parseSubmit, parseTokenRequest } from "../../src/coordinator/edges/http/bodies.ts";
import { parseRange } from "../../src/coordinator/edges/http/ranges.ts";
import {
  parseNotes,
  parseReport,
  parseServing,
} from "../../src/coordinator/edges/worker/claims.ts";
import { decodeRecord } from "../../src/coordinator/loop/journal.ts";
import type { ErrorCode } from "../../src/core/error.ts";
import { testJob, testStage } from "../../src/core/testing/fake-cluster.ts";
import { checkOrigin } from "../../src/link/http/origin.ts";
import { parseListen } from "../../src/link/listen.ts";
import { Arena } from "../../src/wire/block/arena.ts";
import { crc32 } from "../../src/wire/block/crc32.ts";
import { readKey, writeKey } from "../../src/wire/block/key.ts";
import { decodeManifest, encodeManifest } from "../../src/wire/block/manifest.ts";
import { RunReader, RunWriter } from "../../src/wire/block/run.ts";
import { readValue, writeValue } from "../../src/wire/block/value.ts";
import { decodeFrames, encodeEnvelope } from "../../src/wire/manager/codec.ts";
import { unpackTaskId } from "../../src/wire/manager/taskid.ts";
import { envelopes } from "../../src/wire/manager/testdata/arbitrary.ts";
import {
  fromHex,
  oldFrames,
  ourFrames,
  packedHex,
} from "../../src/wire/manager/testdata/golden.ts";
import fc from "../fixtures/fast-check.ts";

import { browserDecoders } from "./browser.ts";
import { consoleDecoders } from "./console.ts";
import { controlDecoders } from "./control.ts";
import { filesystemDecoders } from "./filesystem.ts";

export type Decoder = {
  readonly name: string;
  readonly wire: "manager" | "block" | "api" | "log" | "p4" | "console" | "browser" | "filesystem";
  /** Of the inputs of its wire. */
  readonly share: number;
  readonly samples: readonly Uint8Array[];
  readonly decode: (bytes: Uint8Array) => unknown;
  /** What it may throw, as a `ClusterError`. */
  readonly refusals: readonly ErrorCode[];
};

const utf8 = (text: string) => Uint8Array.from(Buffer.from(text));
const json = (value: unknown) => utf8(JSON.stringify(value));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");

/** As behind the HTTP server, which refuses what is not JSON. */
function body(parse: (value: unknown) => unknown): (bytes: Uint8Array) => unknown {
  return (bytes) => {
    let value: unknown;
    try {
      value = JSON.parse(text(bytes));
    } catch {
      return null;
    }
    return parse(value);
  };
}

function written(write: (arena: Arena) => void): Uint8Array {
  const arena = new Arena(1);
  write(arena);
  return arena.view().slice();
}

const keys = ["", "the", 1.5, null, ["a", [2, true]], "el niño"];
const values = [1, -1, 2.5, "text", [1, { a: null }], new Uint8Array(9), { x: [undefined, NaN] }];

function run(): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new RunWriter((bytes) => chunks.push(bytes.slice()), crc32);
  for (const key of ["a", "b"].map((word) => written((arena) => writeKey(arena, word, "")))) {
    writer.key(key, 0, key.length);
    writer.value(Uint8Array.of(4, 2), 0, 2);
  }
  writer.finish();
  return Uint8Array.from(Buffer.concat(chunks));
}

function readRun(bytes: Uint8Array): void {
  const read = (into: Uint8Array, offset: number) => {
    if (offset < 0 || offset + into.length > bytes.length) throw new Error("read past the run");
    into.set(bytes.subarray(offset, offset + into.length));
  };
  const reader = new RunReader(read, bytes.length, crc32);
  while (reader.next());
}

const partitions = [
  { sizeBytes: 100, records: 3, sha256: "ab".repeat(32) },
  { sizeBytes: 0, records: 0, sha256: "" },
];
const spec = testJob([testStage({ taskCount: 2 })]);
const attempt = { task: 1, attempt: 2, durationMs: 4.5 };
const reports = [
  { ...attempt, kind: "done", output: { root: "", sizeBytes: 1, records: 1, value: "1" } },
  { ...attempt, kind: "failed", failure: { code: "user-error", message: "m" }, lostTasks: [1] },
  { ...attempt, kind: "returned" },
];
const token = `mrt_admin_0a1b2c3d4e_${"5f".repeat(32)}00000000`;
const origins = { hosts: ["cluster.example"], origins: ["https://example.org"] };

export const decoders: readonly Decoder[] = [
  {
    name: "frames",
    wire: "manager",
    share: 0.9,
    samples: [
      ...[...oldFrames, ...ourFrames].map(({ hex }) => fromHex(hex)),
      ...fc.sample(envelopes, { seed: 1, numRuns: 100 }).map((one) => encodeEnvelope(one)),
    ],
    decode: decodeFrames,
    refusals: ["protocol-violated"],
  },
  {
    name: "task ids",
    wire: "manager",
    share: 0.1,
    samples: [fromHex(packedHex)],
    decode: (bytes) => unpackTaskId(bytes),
    refusals: [],
  },
  ...blockDecoders(),
  ...apiDecoders(),
  ...controlDecoders,
  ...browserDecoders,
  ...filesystemDecoders,
  ...consoleDecoders,
  {
    name: "records",
    wire: "log",
    share: 1,
    samples: [
      json({ atMs: 1, kind: "coordinator-started", epoch: 1 }),
      json({ atMs: 2, kind: "job-submitted", owner: "o", key: null, digest: "d", spec }),
      json({ atMs: 3, kind: "attempts-reported", worker: "w-1", job: "j-1", stage: 0, reports }),
    ],
    decode: (bytes) => decodeRecord({ position: 7, bytes }),
    refusals: ["storage-failed"],
  },
];

function blockDecoders(): Decoder[] {
  const of = { wire: "block", share: 0.25, refusals: ["data-lost"] } as const;
  return [
    { ...of, name: "runs", samples: [run()], decode: readRun },
    {
      ...of,
      name: "manifests",
      samples: [encodeManifest(partitions)],
      decode: decodeManifest,
    },
    {
      ...of,
      name: "keys",
      samples: keys.map((key) => written((arena) => writeKey(arena, key, ""))),
      decode: (bytes) => readKey(bytes, 0, bytes.length),
    },
    {
      ...of,
      name: "values",
      samples: values.map((value) => written((arena) => writeValue(arena, value, ""))),
      decode: (bytes) => readValue(bytes, 0, bytes.length),
    },
  ];
}

function apiDecoders(): Decoder[] {
  const of = { wire: "api", share: 0.1, refusals: ["bad-request"] } as const;
  const claims = { ...of, refusals: ["protocol-violated"] } as const;
  const terms = { role: "worker", owner: "ana", ttlMs: 0, usesMax: 3 };
  const logs = [{ job: "j-1", stage: 0, task: 1, attempt: 1, line: "x" }];
  const serving = [{ job: "j-1", stage: 0, tasks: [1, 2] }];
  return [
    { ...of, name: "submissions", samples: [json({ key: "k", spec })], decode: body(parseSubmit) },
    { ...of, name: "token requests", samples: [json(terms)], decode: body(parseTokenRequest) },
    { ...of, name: "tokens", samples: [utf8(token)], decode: (bytes) => readToken(text(bytes)) },
    {
      ...of,
      name: "host names",
      samples: ["localhost:7070", "[::1]:7070", "cluster.example"].map(utf8),
      decode: (bytes) => checkOrigin({ host: text(bytes) }, origins),
      refusals: ["forbidden"],
    },
    {
      ...of,
      name: "origins",
      samples: ["https://example.org", "http://localhost:7070"].map(utf8),
      decode: (bytes) => checkOrigin({ host: "localhost:7070", origin: text(bytes) }, origins),
      refusals: ["forbidden"],
    },
    {
      ...of,
      name: "addresses",
      samples: ["127.0.0.1:7070", "[::]:0", "localhost:80"].map(utf8),
      decode: (bytes) => parseListen(text(bytes)),
    },
    {
      ...of,
      name: "ranges",
      samples: ["bytes=0-9", "bytes=-5", "bytes=7-"].map(utf8),
      decode: (bytes) => parseRange(text(bytes), 100),
    },
    { ...claims, name: "reports", samples: reports.map(json), decode: parseReport },
    { ...claims, name: "serving", samples: [json(serving)], decode: parseServing },
    { ...claims, name: "notes", samples: [json({ logs, progress: [] })], decode: parseNotes },
  ];
}
