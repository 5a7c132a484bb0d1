/** Messages of workers, trackers and clients, with their bytes. */
import assert from "node:assert/strict";
import test from "node:test";
import { ClusterError } from "../../core/error.ts";
import { bytesOf, decodeMessage, encodeMessage, textOf } from "./codec.ts";
import {
  jobPayload,
  parseReport,
  parseTaskReport,
  parseWorkerRequest,
  splitValue,
  taskPayload,
} from "./jobs.ts";

const jobText =
  'JOB 7 {"job_url": "./j", "job_id": "j", "data_type": "text", ' +
  '"client_addr": ["10.0.0.9", "9000"], "functions_url": "j/functions.py", ' +
  '"map_data_url": "j/map_data", "status_db_url": "j/database.sqlite3"}';
const taskText =
  'TASK 9 {"job_url": "./j", "job_id": "j", "function_url": "j/functions.py", ' +
  '"block_urls": ["./j/0_map_slice", "./j/1_map_slice"], "task": "map", ' +
  '"answer_addr": ["10.0.0.9", "9002"], "load_byte": false, ' +
  '"status_db_url": "j/database.sqlite3", "block_id": "map_1"}';

const parsed = (text: string) => parseWorkerRequest(decodeMessage(bytesOf(text)));

function refusal(text: string): string {
  try {
    parsed(text);
  } catch (error) {
    if (error instanceof ClusterError) return error.code;
    throw error;
  }
  return "taken";
}

test("JOB and TASK have the fields of deployed workers, in their order, both ways", () => {
  const job = parsed(jobText);
  assert.ok(job.call === "JOB");
  assert.deepEqual(job.job.client, { host: "10.0.0.9", port: 9000 });
  assert.equal(textOf(encodeMessage("JOB", jobPayload(job.job))), jobText);
  const task = parsed(taskText);
  assert.ok(task.call === "TASK");
  assert.equal(task.task.block, "map_1");
  assert.equal(textOf(encodeMessage("TASK", taskPayload(task.task))), taskText);
});

test("JOB of the document, which names less, finds what clients put", () => {
  const said =
    'JOB 4 {"job_url": "./j", "job_id": "j", "data_type": "text", "client_addr": ["1.2.3.4", "5"]}';
  const job = parsed(said);
  assert.ok(job.call === "JOB");
  const { databaseUrl, dataUrl, functionsUrl } = job.job;
  assert.deepEqual(
    [functionsUrl, dataUrl, databaseUrl],
    ["j/functions.py", "j/map_data", "j/database.sqlite3"],
  );
  const old = parsed(jobText.replace("status_db_url", "db_url"));
  assert.ok(old.call === "JOB" && old.job.databaseUrl === "j/database.sqlite3");
});

test("the id of a job is made of its files and what is more, in either spelling", () => {
  const text = 'JOBREG 2 {"files": ["f.py", "d.txt"], "extra_info": "0a"}';
  assert.deepEqual(parsed(text), { call: "JOBREG", idText: "f.pyd.txt0a" });
  const document = 'JOBREG 2 {"files": ["f.py", "d.txt"], "addr": ["1.2.3.4", "5"]}';
  assert.deepEqual(parsed(document), { call: "JOBREG", idText: "f.pyd.txt" });
  assert.equal(refusal('JOBREG 1 {"files": []}'), "bad-request");
});

test("T1.2: jobs, files and databases outside the store are not found", () => {
  for (const [from, to] of [
    ['"./j"', '"../j"'],
    ['"j"', '"a/../b"'],
    ["j/functions.py", "/etc/passwd"],
    ["j/map_data", "j\\\\map"],
    ["j/database.sqlite3", "../database.sqlite3"],
  ] as const) {
    assert.equal(refusal(jobText.replace(from, to)), "not-found", to);
  }
  assert.equal(refusal(taskText.replace("./j/1_map_slice", "../../x")), "not-found");
});

test("T1.6: what is missing or of another kind is named, and nothing else is taken", () => {
  assert.equal(refusal("HELLO 0 {}"), "bad-request");
  assert.equal(refusal("JOB 0 {}"), "bad-request");
  assert.equal(refusal(jobText.replace('["10.0.0.9", "9000"]', '["10.0.0.9"]')), "bad-request");
  assert.equal(refusal(taskText.replace('"map"', '"fold"')), "bad-request");
  assert.equal(refusal(taskText.replace("false", '"no"')), "bad-request");
});

test("reports to clients and trackers are read and classified", () => {
  const at = { host: "10.0.0.2", port: 9001 };
  const read = (name: string, payload: Parameters<typeof encodeMessage>[1]) =>
    parseReport(decodeMessage(encodeMessage(name, payload)));
  assert.deepEqual(read("DONE", { result_url: "./j/result_data" }), {
    report: "DONE",
    resultUrl: "./j/result_data",
  });
  assert.deepEqual(read("ERROR", { info: "no", type_error: "X" }), { report: "ERROR", info: "no" });
  const moved = { ...splitValue("ping_tracker", at), ...splitValue("answer", at) };
  assert.deepEqual(read("RELOCATE", moved), { report: "RELOCATE", ping: at, answer: at });
  assert.deepEqual(read("NEWS", { info: "half" }), { report: "INFO", info: "half" });
  const done = encodeMessage("DONE", { worker_addr: ["1.2.3.4", "5"], block_id: "map_0" });
  const worker = { host: "1.2.3.4", port: 5 };
  assert.deepEqual(parseTaskReport(decodeMessage(done)), { block: "map_0", worker });
  const nameless = encodeMessage("DONE", { block_id: "map_0" });
  assert.deepEqual(parseTaskReport(decodeMessage(nameless)), { block: "map_0", worker: null });
});
