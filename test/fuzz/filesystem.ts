/** What strangers may send to the ports of the filesystem protocol: file system, register, worker,
 *  trackers and clients; and what they may leave in files and datagrams. */
import { decodeMessage, encodeMessage } from "../../src/wire/filesystem/codec.ts";
import { decodeAddress, encodeAddress } from "../../src/wire/filesystem/discovery.ts";
import {
  jobPayload,
  parseReport,
  parseTaskReport,
  parseWorkerRequest,
  splitValue,
  taskPayload,
} from "../../src/wire/filesystem/jobs.ts";
import { databaseCalls, parseDetails, parseRequest } from "../../src/wire/filesystem/messages.ts";
import { readPickle } from "../../src/wire/filesystem/pickle/reader.ts";
import { writePickle } from "../../src/wire/filesystem/pickle/writer.ts";
import { parseRegisterRequest } from "../../src/wire/filesystem/register.ts";
import { tables } from "../../src/wire/filesystem/tables.ts";
import { PyFloat, PyTuple, type PyValue } from "../../src/wire/filesystem/value.ts";
import type { Decoder } from "./decoders.ts";

const at = { host: "10.0.0.2", port: 8080 };
const job = {
  jobId: "j1",
  jobUrl: "./j1",
  functionsUrl: "j1/functions.py",
  dataUrl: "j1/map_data",
  databaseUrl: "j1/database.sqlite3",
  dataType: "text",
  client: at,
};
const task = {
  jobId: "j1",
  jobUrl: "./j1",
  functionsUrl: "j1/functions.py",
  databaseUrl: "j1/database.sqlite3",
  task: "map",
  block: "map_0",
  files: ["./j1/0_map_slice", "./j1/1_map_slice"],
  isPickled: false,
  answerTo: at,
} as const;
const pair: PyValue = new PyTuple(["key", [1n, -(10n ** 30n), new PyFloat(1.5), null, true, "ñ"]]);
const db = { status_db_url: "j1/database.sqlite3" };
const row = Object.fromEntries(tables.job.map((column) => [column, "x"]));
const details = [
  encodeMessage("INSERTJOB", row),
  encodeMessage("INSERTBLOCK", { block_id: "b", state: "ADDED", phase: "map", slices_id: ["s"] }),
  encodeMessage("BLOCKRESULT", { block_id: "b", result_url: ["j1/r"] }),
  encodeMessage("GETROWS", { table: "block", filters: [["state", "DONE"]] }),
  encodeMessage("UPDATEROW", { table: "job", key: ["job_id", "j"], fields_values: [] }),
  encodeMessage("APPENDBLOCK", { data_urls: ["j1/r"], pairs: [["k", [1n]]] }),
];

const of = {
  wire: "filesystem",
  refusals: ["protocol-violated", "bad-request", "not-found", "limit-exceeded"],
} as const;

/** Whichever call it is of, it ends. */
function anyDetails(bytes: Uint8Array): void {
  const message = decodeMessage(bytes);
  const call = databaseCalls.find((one) => one === message.name) ?? "GETROWS";
  parseDetails(call, message);
}

export const filesystemDecoders: readonly Decoder[] = [
  {
    ...of,
    name: "requests to a file system",
    share: 0.2,
    samples: [
      encodeMessage("PUTDATA", { file_url: "./j1/a", byte: true, size: 3n }),
      encodeMessage("PUTJOB", { job_id: "j1", files: ["a", "b"] }),
      encodeMessage("APPENDBLOCK", { ...db, block_id: "b", block_size: 1n }),
      encodeMessage("STOP", { job_id: "j1" }),
    ],
    decode: (bytes) => parseRequest(decodeMessage(bytes)),
  },
  { ...of, name: "rows and pairs", share: 0.2, samples: details, decode: anyDetails },
  {
    ...of,
    name: "requests to a register",
    share: 0.1,
    samples: [
      encodeMessage("WORKERREG", { worker_addr: ["10.0.0.2", "1"], ping_addr: ["10.0.0.2", "2"] }),
      encodeMessage("JOBREG", { files: ["f", "d"], extra_info: "00" }),
    ],
    decode: (bytes) => parseRegisterRequest(decodeMessage(bytes)),
  },
  {
    ...of,
    name: "requests to a worker",
    share: 0.2,
    samples: [
      encodeMessage("JOBREG", { files: ["f", "d"], extra_info: "00" }),
      encodeMessage("JOB", jobPayload(job)),
      encodeMessage("TASK", taskPayload(task)),
      encodeMessage("STATUS", {}),
    ],
    decode: (bytes) => parseWorkerRequest(decodeMessage(bytes)),
  },
  {
    ...of,
    name: "reports to clients and trackers",
    share: 0.1,
    samples: [
      encodeMessage("DONE", { result_url: "./j1/result_data", block_id: "map_0" }),
      encodeMessage("ERROR", { info: "no", type_error: "OperationError", send_to_client: true }),
      encodeMessage("RELOCATE", { ...splitValue("ping_tracker", at), ...splitValue("answer", at) }),
    ],
    decode(bytes) {
      const message = decodeMessage(bytes);
      parseReport(message);
      if (message.name === "DONE" || message.name === "ERROR") parseTaskReport(message);
    },
  },
  {
    ...of,
    name: "pickles",
    share: 0.15,
    samples: [writePickle(pair), writePickle([pair, new Map([["a", 1n]])])],
    decode: readPickle,
  },
  {
    ...of,
    name: "answers of discovery",
    share: 0.05,
    samples: [encodeAddress(at)],
    decode: decodeAddress,
  },
];
