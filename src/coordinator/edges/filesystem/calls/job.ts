/** PUTJOB in both forms, REMOVEJOB, and the answer to STOP on the main port.
 *
 *  A job exists as a whole once its call is answered with OK; until then nothing of it does. */
import { ClusterError } from "../../../../core/error.ts";
import { okAnswer } from "../../../../wire/filesystem/answers.ts";
import { decodeMessage } from "../../../../wire/filesystem/codec.ts";
import { textField } from "../../../../wire/filesystem/fields.ts";
import { type FileRequest, fileInJob } from "../../../../wire/filesystem/messages.ts";
import { databaseUrl } from "../../../../wire/filesystem/names.ts";
import type { StoredFile } from "../store/catalogue.ts";
import type { CallContext, Port, SecondStep } from "./context.ts";
import { lockedBy, received } from "./data.ts";

type PutJob = Extract<FileRequest, { call: "PUTJOB" }>;

export function putJob({ files, job }: PutJob, context: CallContext): SecondStep {
  if (files === null) {
    return {
      async run(port) {
        await port.receive();
        await commit(job, [], context);
        await port.reply(jobAnswer(job, []));
      },
    };
  }
  return { run: (port) => putWithFiles(port, { job, wanted: files }, context) };
}

/** The document's form: PUTDATA for each file, then STOP. The files' bytes may be sent to the same
 *  port, which is also the one in the answer to PUTDATA. */
async function putWithFiles(
  port: Port,
  { job, wanted }: { readonly job: string; readonly wanted: readonly string[] },
  context: CallContext,
): Promise<void> {
  const staged = new Map<string, StoredFile>();
  for (;;) {
    const message = decodeMessage(await port.receive());
    if (message.name === "STOP") break;
    if (message.name !== "PUTDATA") throw outOfOrder(job, `${message.name} was received`);
    const file = fileInJob(job, textField(message, "file_url"));
    if (!wanted.includes(file)) throw outOfOrder(job, `${file} was not announced`);
    if (staged.has(file)) throw outOfOrder(job, `${file} came twice`);
    await port.reply(context.answerOf(port.port));
    staged.set(file, await received(port, file, { sizeBytes: null, context }));
    await port.reply(okAnswer());
  }
  const missing = wanted.find((file) => !staged.has(file));
  if (missing !== undefined) throw outOfOrder(job, `${missing} was not received`);
  const files = wanted.flatMap((file) => staged.get(file) ?? []);
  await commit(job, files, context);
  await port.reply(jobAnswer(job, wanted));
}

function outOfOrder(job: string, what: string): ClusterError {
  const text = `PUTJOB of ${job}: ${what}; nothing is stored, start again`;
  return new ClusterError("bad-request", text);
}

/** An existing job keeps its database: a second client may put it again. */
async function commit(
  job: string,
  files: readonly StoredFile[],
  { databases, files: store, offered }: CallContext,
): Promise<void> {
  const init = await store.stage(`${job}/__init__.py`, []);
  const all = [init, ...files];
  const locked = all.find(({ name }) => store.locks.isHeld(name));
  if (locked !== undefined) throw lockedBy(locked.name);
  // Left by an interrupted removal.
  if (!store.catalogue.hasJob(job)) databases.remove(job);
  databases.create(job);
  store.catalogue.put(all, { job });
  await offered.put(all);
}

/** `files_url` is the document's, with the database at its end; deployed clients read
 *  `database_url`. */
export function jobAnswer(job: string, files: readonly string[]): Uint8Array {
  const database = databaseUrl(job);
  const urls = files.length === 0 ? {} : { files_url: [...files, database] };
  return okAnswer({ job_url: `./${job}`, database_url: database, ...urls });
}

/** STOP on the main port. Throws `not-found`. */
export function stoppedJob(job: string, { files }: CallContext): Uint8Array {
  if (!files.catalogue.hasJob(job)) throw new ClusterError("not-found", "404: Job not found");
  const names = files.catalogue.files(`${job}/`).map(({ name }) => name);
  return jobAnswer(
    job,
    names.filter((name) => name !== `${job}/__init__.py`),
  );
}

/** Throws `not-found`, `conflict` while a file of it is being written. */
export async function removeJob(
  job: string,
  { databases, files, offered }: CallContext,
): Promise<Uint8Array> {
  if (!files.catalogue.hasJob(job)) throw new ClusterError("not-found", "404: Job not found");
  if (files.locks.isHeldBelow(job)) throw lockedBy(job);
  const names = files.catalogue.removeJob(job);
  databases.remove(job);
  await offered.remove(names);
  return okAnswer({ info: "Operation successfully done." });
}
