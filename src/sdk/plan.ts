/** Plans a job on files of this machine, standard input and what members share. The plan itself is
 *  made by `plan/of-found.ts`, also for the web page. */
import { constants, gunzipSync, zstdDecompressSync } from "node:zlib";
import { ClusterError } from "../core/error.ts";
import { type FindShared, findInputs } from "./inputs.ts";
import type { Job } from "./job.ts";
import { readRemote } from "./plan/inputs/remote.ts";
import { type PlannedFound, type PlanSettings, planFound } from "./plan/of-found.ts";
import { formatsOf } from "./plan/operator.ts";
import { foldable, sampleTable } from "./plan/tables.ts";

export type PlanOptions = PlanSettings & {
  /** Files, folders, globs, `-`, `shared:name`; `name=path` for a job of several inputs. */
  readonly inputs: readonly string[];
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Asks what members share: `client.sharedInputs`. */
  readonly shared?: FindShared;
};

export type Planned = PlannedFound & {
  /** Removes temporary files; to be called once the job is submitted or has run. */
  remove(): Promise<void>;
};

export async function planJob(job: Job, options: PlanOptions): Promise<Planned> {
  const { inputs, shared, stdin, ...others } = options;
  const wanted = { ...others, unpackStart, sampleTable, readRemote };
  if (job.kind === "tasks") {
    if (inputs.length === 0) return { ...(await planFound(job, [], wanted)), async remove() {} };
    const text = `a list of tasks reads no inputs, but ${inputs[0]} was given`;
    throw new ClusterError("bad-request", `${text}; use --param for what the items depend on`);
  }
  const { files, remove } = await findInputs(inputs, {
    names: Object.keys(formatsOf(job)),
    ...(stdin === undefined ? {} : { stdin }),
    ...(shared === undefined ? {} : { shared }),
  });
  try {
    const planned = await planFound(job, files, wanted);
    return { ...foldable(planned), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** A file goes on behind its beginning, which is all that is here. */
function unpackStart(packed: Uint8Array, compression: "gzip" | "zstd"): Uint8Array {
  if (compression === "gzip") return gunzipSync(packed, { finishFlush: constants.Z_SYNC_FLUSH });
  return zstdDecompressSync(packed, { finishFlush: constants.ZSTD_e_flush });
}
