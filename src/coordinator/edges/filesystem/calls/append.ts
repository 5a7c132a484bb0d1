/** APPENDBLOCK: pairs of a block, merged into the files of their keys.
 *
 *  1. What is acknowledged is merged once, whenever this process is killed: the message is on the
 *     disk before its OK, and the files become durable together with the note that they have it.
 *  2. A block is WRITING before the OK, so that no tracker finds it SUBMITTED, and gives it to
 *     another worker, while its pairs are here. It ends as DONE, or, when nothing of it is written,
 *     as SUBMITTED.
 *  3. A block whose pairs come in several messages is DONE when all of them are merged. When one
 *     cannot be, it stays WRITING until the next start: another worker would add the others
 *     again. */
import { ClusterError } from "../../../../core/error.ts";
import { hit } from "../../../../store/failpoint.ts";
import { okAnswer } from "../../../../wire/filesystem/answers.ts";
import { decodeMessage } from "../../../../wire/filesystem/codec.ts";
import type { BlockState } from "../../../../wire/filesystem/jobs.ts";
import { type FileRequest, parseDetails } from "../../../../wire/filesystem/messages.ts";
import type { Append } from "../store/catalogue.ts";
import type { CallContext, Port, SecondStep } from "./context.ts";
import { mustBeThere } from "./database.ts";
import { mergePairs } from "./merge.ts";

type Request = Extract<FileRequest, { call: "APPENDBLOCK" }>;

/** Each message is acknowledged at once and merged then. The port waits a moment for a further
 *  one. */
export function appendBlock(
  { block, filesWanted, job }: Request,
  context: CallContext,
): SecondStep {
  mustBeThere(job, context);
  return {
    silenceMs: context.limits.appendMs,
    async run(port) {
      const merging = new Merging(block, job, context);
      try {
        for (let files = 0, count = 0; ; count += 1) {
          const frame = await next(port, count > 0);
          if (frame === null) return;
          files += parseDetails("APPENDBLOCK", decodeMessage(frame)).files.length;
          const append = accept({ block, job, message: frame }, context);
          await port.reply(okAnswer());
          await merging.merge(append);
          if (files >= (filesWanted ?? 0)) merging.done();
        }
      } finally {
        merging.done();
      }
    },
  };
}

/** Completes what an earlier process of this file system has accepted, so that no block is WRITING
 *  for ever. A block whose pairs cannot be merged goes to another worker. */
export async function resumeAppends(
  context: CallContext,
  onError: (error: unknown) => void,
): Promise<void> {
  const blocks = Map.groupBy(context.files.catalogue.appends(), ({ block, job }) =>
    JSON.stringify([job, block]),
  );
  for (const appends of blocks.values()) {
    const [{ block, job }] = appends as [Append];
    const merging = new Merging(block, job, context);
    try {
      try {
        for (const append of appends) await merging.merge(append);
      } finally {
        merging.done();
      }
    } catch (error) {
      onError(error);
    }
  }
}

/** The messages of one block that were accepted, until it is DONE. */
class Merging {
  readonly #block: string;
  readonly #job: string;
  readonly #context: CallContext;
  /** Ids of those that are merged, and noted still. */
  #merged: number[] = [];
  #hasMerged = false;
  #hasFailed = false;

  constructor(block: string, job: string, context: CallContext) {
    this.#block = block;
    this.#job = job;
    this.#context = context;
  }

  async merge({ id, message }: Append): Promise<void> {
    const onMerged = () => {
      this.#merged.push(id);
      this.#hasMerged = true;
    };
    if (message === null) return onMerged();
    try {
      const details = parseDetails("APPENDBLOCK", decodeMessage(message));
      await mergePairs(details, this.#context, { merged: id, onMerged });
    } catch (error) {
      if (!this.#merged.includes(id)) this.#notMerged(id);
      throw error;
    }
  }

  /** Unless one was not merged. May be called twice. */
  done(): void {
    if (this.#merged.length === 0 || this.#hasFailed) return;
    hit("append.done", "before");
    setState(this.#job, this.#block, "DONE", this.#context);
    hit("append.done", "after");
    for (const id of this.#merged.splice(0)) this.#context.files.catalogue.endAppend(id);
  }

  #notMerged(id: number): void {
    this.#hasFailed = true;
    if (this.#hasMerged) return;
    setState(this.#job, this.#block, "SUBMITTED", this.#context);
    this.#context.files.catalogue.endAppend(id);
  }
}

function accept(
  append: { readonly job: string; readonly block: string; readonly message: Uint8Array },
  context: CallContext,
): Append {
  const { block, job } = append;
  const { catalogue } = context.files;
  mustBeThere(job, context);
  hit("append.accept", "before");
  const id = catalogue.beginAppend(append);
  hit("append.accept", "after");
  try {
    setState(job, block, "WRITING", context);
  } catch (error) {
    catalogue.endAppend(id);
    throw error;
  }
  return { ...append, id };
}

/** Null when no further message comes. */
async function next(port: Port, isFurther: boolean): Promise<Uint8Array | null> {
  try {
    return await port.receive();
  } catch (error) {
    if (isFurther && error instanceof ClusterError && error.code === "timed-out") return null;
    throw error;
  }
}

function setState(job: string, block: string, state: BlockState, context: CallContext): void {
  context.databases.updateRow(job, {
    call: "UPDATEROW",
    table: "block",
    key: ["block_id", block],
    values: [["state", state]],
  });
}
