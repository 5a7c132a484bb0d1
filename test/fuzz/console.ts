/** Decoders of the console protocol, of its log service and of its time service. */
import { AnswerReader, FileHeadReader } from "../../src/wire/console/answers.ts";
import { RpcAnswers } from "../../src/wire/console/rpc/messages.ts";
import { RequestReader } from "../../src/wire/console/session.ts";
import { defaultTimeCall, readTimeAnswer } from "../../src/wire/console/soap.ts";
import {
  bytesOf,
  dateTimes,
  requestBytes,
  requests,
  seen,
} from "../../src/wire/console/testdata/golden.ts";
import type { Decoder } from "./decoders.ts";

const soap =
  "<e:Envelope><e:Body><t:get_datetimeResult>21/11/2026 02:15:45</t:get_datetimeResult></e:Body>";
const rpcAnswer = Uint8Array.from(
  Buffer.from(`8000001c0000000700000001${"00000000".repeat(4)}00000bbb`, "hex"),
);

/** In one piece, and in two with the other settings in turn: reading always ends. */
function request(bytes: Uint8Array): void {
  const whole = new RequestReader();
  whole.push(bytes);
  const cut = new RequestReader(bytes.length % 2 === 0 ? "always" : "never");
  cut.push(bytes.subarray(0, bytes.length >> 1));
  cut.push(bytes.subarray(bytes.length >> 1));
  if (whole.end().kind === "more" || cut.end().kind === "more") {
    throw new Error("a request that has ended is neither whole nor malformed");
  }
}

function list(operation: "LIST_USERS" | "LIST_CONTENT", bytes: Uint8Array): void {
  const reader = new AnswerReader(operation);
  if (reader.push(bytes) === null) reader.end();
}

const of = { wire: "console", refusals: ["protocol-violated"] } as const;
const golden = requests.flatMap(({ strings }) =>
  dateTimes.map((dateTime) => requestBytes(strings, dateTime)),
);
export const consoleDecoders: readonly Decoder[] = [
  { ...of, name: "requests", share: 0.6, samples: golden, decode: request },
  {
    ...of,
    name: "lists of users",
    share: 0.1,
    samples: [bytesOf(seen.users), bytesOf(seen.empty), Uint8Array.of(2)],
    decode: (bytes) => list("LIST_USERS", bytes),
  },
  {
    ...of,
    name: "lists of files",
    share: 0.05,
    samples: [bytesOf("\x002\0/a\0/b\0"), bytesOf(seen.empty), Uint8Array.of(4)],
    decode: (bytes) => list("LIST_CONTENT", bytes),
  },
  {
    ...of,
    name: "heads of files",
    share: 0.1,
    samples: [bytesOf("\x0012\0abc"), Uint8Array.of(1)],
    decode: (bytes) => new FileHeadReader().push(bytes),
  },
  {
    ...of,
    name: "ONC-RPC answers",
    share: 0.1,
    samples: [rpcAnswer],
    decode: (bytes) => new RpcAnswers().push(bytes),
    refusals: ["protocol-violated", "unavailable"],
  },
  {
    ...of,
    name: "times",
    share: 0.05,
    samples: [bytesOf(soap)],
    decode: (bytes) => readTimeAnswer(Buffer.from(bytes).toString("utf8"), defaultTimeCall),
  },
];
