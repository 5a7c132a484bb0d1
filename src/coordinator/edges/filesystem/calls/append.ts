/** APPENDBLOCK: pairs of a block, merged into the files of their keys.
 *
 *  1. What is acknowledged is merged once, whenever this process is killed: the message is on the
 *     disk before its OK, and the files become durable together with the note that they have it.
 *  2. A block is WRITING before the OK, so that no tracker finds it SUBMITTED, and gives it to
 *     another worker, while its pairs are here. It ends as DONE, or, when nothing of it is written,
 *     as SUBMITTED. */
import { ClusterError } from "../../../../core/error.ts";
import { hit } from "../../../../store/failpoint.ts";
import { okAnswer } from "../../../../wire/filesystem/answers.ts";
import { decodeMessage } from "../../../../wire/filesystem/codec.ts";
import type { BlockState } from "../../../../wire/filesystem/jobs.ts";
import { type DetailsOf, parseDetails } from "../../../../wire/filesystem/messages.ts";
import type { CallContext, Port, SecondStep } from "./context.ts";
import { mustBeThere } from "./database.ts";
import { mergePairs } from "./merge.ts";

/** Each message is acknowledged at once and merged then. The port waits a moment for a further
 *  one. */
export function appendBlock(job: string, block: string, context: CallContext): SecondStep {
  mustBeThere(job, context);
  return {
    silenceMs: context.limits.appendMs,
    async run(port) {
      for (let count = 0; ; count += 1) {
        const frame = await next(port, count > 0);
        if (frame === null) return;
        const details = parseDetails("APPENDBLOCK", decodeMessage(frame));
        const id = accept({ block, job, message: frame }, context);
        await port.reply(okAnswer());
        await merge(details, { block, id, job }, context);
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
  const { catalogue } = context.files;
  for (const { block, id, job, message } of catalogue.appends()) {
    const append = { block, id, job };
    try {
      if (message === null) done(append, context);
      else await merge(parseDetails("APPENDBLOCK", decodeMessage(message)), append, context);
    } catch (error) {
      onError(error);
    }
  }
}

type Begun = { readonly id: number; readonly job: string; readonly block: string };

function accept(
  append: { readonly job: string; readonly block: string; readonly message: Uint8Array },
  context: CallContext,
): number {
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
  return id;
}

async function merge(
  details: DetailsOf<"APPENDBLOCK">,
  append: Begun,
  context: CallContext,
): Promise<void> {
  const { block, id, job } = append;
  let isMerged = false;
  const onMerged = () => {
    isMerged = true;
    done(append, context);
  };
  try {
    await mergePairs(details, context, { merged: id, onMerged });
  } catch (error) {
    if (!isMerged) {
      setState(job, block, "SUBMITTED", context);
      context.files.catalogue.endAppend(id);
    }
    throw error;
  }
}

function done({ block, id, job }: Begun, context: CallContext): void {
  hit("append.done", "before");
  setState(job, block, "DONE", context);
  hit("append.done", "after");
  context.files.catalogue.endAppend(id);
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
