/** The calls on a job's database. */
import { ClusterError } from "../../../../core/error.ts";
import { okAnswer } from "../../../../wire/filesystem/answers.ts";
import { decodeMessage } from "../../../../wire/filesystem/codec.ts";
import {
  type DatabaseCall,
  type DetailsOf,
  parseDetails,
} from "../../../../wire/filesystem/messages.ts";
import { appendPairs } from "./append.ts";
import type { CallContext, Port, SecondStep } from "./context.ts";

type RowCall = Exclude<DatabaseCall, "APPENDBLOCK">;

/** Throws `not-found` when there is no such database. */
export function databaseCall(call: RowCall, job: string, context: CallContext): SecondStep {
  mustBeThere(job, context);
  return {
    async run(port) {
      const details = parseDetails(call, decodeMessage(await port.receive()));
      mustBeThere(job, context);
      await port.reply(perform(job, details, context));
    },
  };
}

function perform(job: string, details: DetailsOf<RowCall>, { databases }: CallContext): Uint8Array {
  switch (details.call) {
    case "INSERTJOB":
      databases.insertJob(job, details);
      break;
    case "INSERTBLOCK":
      databases.insertBlock(job, details);
      break;
    case "BLOCKRESULT":
      databases.blockResult(job, details);
      break;
    case "UPDATEROW":
      databases.updateRow(job, details);
      break;
    case "GETROWS": {
      const rows = databases.rows(job, details);
      return okAnswer({ rows: rows.map((row) => new Map(Object.entries(row))) });
    }
  }
  return okAnswer();
}

/** Each message is answered at once and written then; the block records the progress. The port
 *  waits a moment for a further one. */
export function appendBlock(job: string, block: string, context: CallContext): SecondStep {
  mustBeThere(job, context);
  return {
    silenceMs: context.limits.appendMs,
    async run(port) {
      for (let count = 0; ; count += 1) {
        const frame = await next(port, count > 0);
        if (frame === null) return;
        const details = parseDetails("APPENDBLOCK", decodeMessage(frame));
        await port.reply(okAnswer());
        setState(job, block, "WRITING", context);
        try {
          await appendPairs(details, context);
        } catch (error) {
          // Nothing of it is written: a tracker gives the block to another worker.
          setState(job, block, "SUBMITTED", context);
          throw error;
        }
        setState(job, block, "DONE", context);
      }
    },
  };
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

function setState(job: string, block: string, state: string, context: CallContext): void {
  context.databases.updateRow(job, {
    call: "UPDATEROW",
    table: "block",
    key: ["block_id", block],
    values: [["state", state]],
  });
}

function mustBeThere(job: string, { files }: CallContext): void {
  if (files.catalogue.hasJob(job)) return;
  throw new ClusterError("not-found", "unable to open database file");
}
