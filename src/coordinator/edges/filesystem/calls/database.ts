/** The calls on a job's database. */
import { ClusterError } from "../../../../core/error.ts";
import { okAnswer } from "../../../../wire/filesystem/answers.ts";
import { decodeMessage } from "../../../../wire/filesystem/codec.ts";
import {
  type DatabaseCall,
  type DetailsOf,
  parseDetails,
} from "../../../../wire/filesystem/messages.ts";
import type { CallContext, SecondStep } from "./context.ts";

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

/** Throws `not-found`. */
export function mustBeThere(job: string, { files }: CallContext): void {
  if (files.catalogue.hasJob(job)) return;
  throw new ClusterError("not-found", "unable to open database file");
}
