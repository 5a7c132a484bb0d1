/** APPENDBLOCK: pairs of a block, merged into the files of their keys.
 *
 *  1. What is acknowledged is merged once, whenever this process is killed: the message is on the
 *     disk before its OK, and the files become durable together with the note that they have it.
 *  2. A block is WRITING before the OK, so that no tracker finds it SUBMITTED, and gives it to
 *     another worker, while its pairs are here. It ends as DONE, or, when nothing of it is written,
 *     as SUBMITTED.
 *  3. Of a block whose pairs come in several messages nothing is merged before all are here: when
 *     its executor dies in between, the block is SUBMITTED again, and nothing of it was counted.
 *     One message alone is whole, whatever size it was announced with: executors that never send a
 *     second one have other notions of a block's size, and compute nothing again.
 *  4. It is DONE when all of them are merged. When one cannot be, and others are, it stays WRITING
 *     until the next start: another worker would add the others again. */
import { ClusterError } from "../../../../core/error.ts";
import { hit } from "../../../../store/failpoint.ts";
import { okAnswer } from "../../../../wire/filesystem/answers.ts";
import { decodeMessage } from "../../../../wire/filesystem/codec.ts";
import type { BlockState } from "../../../../wire/filesystem/jobs.ts";
import { type FileRequest, parseDetails } from "../../../../wire/filesystem/messages.ts";
import type { Append, Noted } from "../store/catalogue.ts";
import type { CallContext, Port, SecondStep } from "./context.ts";
import { mustBeThere } from "./database.ts";
import { mergePairs } from "./merge.ts";

type Request = Extract<FileRequest, { call: "APPENDBLOCK" }>;

/** Each message is acknowledged at once; they are merged when the last is here. The port waits a
 *  moment for a further one. */
export function appendBlock(
  { block, filesWanted, job }: Request,
  context: CallContext,
): SecondStep {
  mustBeThere(job, context);
  return {
    silenceMs: context.limits.appendMs,
    async run(port) {
      const merging = new Merging(block, job, context);
      let missing = filesWanted ?? 0;
      try {
        for (let call: number | null = null; ; ) {
          const frame = await next(port, call !== null);
          if (frame === null) return merging.isOne ? await merging.merge() : undefined;
          missing -= parseDetails("APPENDBLOCK", decodeMessage(frame)).files.length;
          const part = { block, job, message: frame, call, missing: Math.max(0, missing) };
          call = merging.accept(part);
          try {
            await port.reply(okAnswer());
          } finally {
            // Also when the answer is lost: then the block is DONE, and not computed again.
            if (missing <= 0) await merging.merge();
          }
        }
      } finally {
        merging.giveUp();
      }
    },
  };
}

/** Completes what an earlier process of this file system has accepted, so that no block is WRITING
 *  for ever. A block whose pairs cannot be merged, or did not all come, goes to another worker. */
export async function resumeAppends(
  context: CallContext,
  onError: (error: unknown) => void,
): Promise<void> {
  const calls = Map.groupBy(context.files.catalogue.appends(), ({ block, call, job }) =>
    JSON.stringify([job, block, call]),
  );
  for (const appends of calls.values()) {
    const [{ block, job }] = appends as [Noted];
    const merging = new Merging(
      block,
      job,
      context,
      appends.map(({ id }) => id),
    );
    try {
      if (merging.isOne || appends.at(-1)?.missing === 0) await merging.merge();
    } catch (error) {
      onError(error);
    } finally {
      merging.giveUp();
    }
  }
}

/** The messages of one call that were accepted, until its block is DONE. */
class Merging {
  readonly #block: string;
  readonly #job: string;
  readonly #context: CallContext;
  /** Ids of what is accepted and not merged. It lies on the disk: memory has room for one. */
  readonly #held: number[];
  /** Ids of those that are merged, and noted still. */
  #merged: number[] = [];

  constructor(block: string, job: string, context: CallContext, held: number[] = []) {
    this.#block = block;
    this.#job = job;
    this.#context = context;
    this.#held = held;
  }

  /** Whether one message has come, and no other. */
  get isOne(): boolean {
    return this.#held.length === 1 && this.#merged.length === 0;
  }

  /** The number of the call, for its further messages. */
  accept(append: Append): number {
    const { catalogue } = this.#context.files;
    mustBeThere(this.#job, this.#context);
    hit("append.accept", "before");
    const id = catalogue.beginAppend(append);
    hit("append.accept", "after");
    try {
      setState(this.#job, this.#block, "WRITING", this.#context);
    } catch (error) {
      catalogue.endAppend(id);
      throw error;
    }
    this.#held.push(id);
    return append.call ?? id;
  }

  /** All that are held, in their order; then the block is DONE. */
  async merge(): Promise<void> {
    const { catalogue } = this.#context.files;
    for (let id = this.#held[0]; id !== undefined; id = this.#held[0]) {
      const merged = id;
      const onMerged = () => {
        this.#held.shift();
        this.#merged.push(merged);
      };
      const message = catalogue.appended(id);
      if (message === null) {
        onMerged();
        continue;
      }
      const details = parseDetails("APPENDBLOCK", decodeMessage(message));
      await mergePairs(details, this.#context, { merged, onMerged });
    }
    hit("append.done", "before");
    setState(this.#job, this.#block, "DONE", this.#context);
    hit("append.done", "after");
    for (const id of this.#merged.splice(0)) catalogue.endAppend(id);
  }

  /** Another executor shall compute the block, unless some of it is merged. */
  giveUp(): void {
    const { catalogue } = this.#context.files;
    if (this.#held.length === 0 || this.#merged.length > 0) return;
    const own = new Set(this.#held);
    const isOthers = catalogue.appendsOf(this.#job, this.#block).some((id) => !own.has(id));
    // Another may have it already, or have written it.
    if (!isOthers && stateOf(this.#job, this.#block, this.#context) === "WRITING") {
      setState(this.#job, this.#block, "SUBMITTED", this.#context);
    }
    for (const id of this.#held.splice(0)) catalogue.endAppend(id);
  }
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

/** Undefined when the job or the block is gone. */
function stateOf(job: string, block: string, { databases }: CallContext): string | undefined {
  if (!databases.has(job)) return undefined;
  const filters = [["block_id", block]] as const;
  return databases.rows(job, { call: "GETROWS", table: "block", filters })[0]?.state;
}

function setState(job: string, block: string, state: BlockState, context: CallContext): void {
  context.databases.updateRow(job, {
    call: "UPDATEROW",
    table: "block",
    key: ["block_id", block],
    values: [["state", state]],
  });
}
