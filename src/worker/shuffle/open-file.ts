/** Opens a file of a plan: on this machine's disk when it lies there, from the members who share
 *  it, from its address, else through the coordinator. */
import { access, constants, stat } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";
import type { JobId } from "../../core/ids.ts";
import { hostId } from "../../link/host.ts";
import type { SharedInputs } from "../../peer/input/shared-input.ts";
import { RemoteFiles } from "../../remote/files.ts";
import type { InputFile } from "../../wire/block/plan.ts";
import { type OpenInput, openLocal } from "../input/file.ts";
import type { CoordinatorBlobs } from "./blobs.ts";

/** With the credentials of this process. */
const remoteFiles = new RemoteFiles();

export type InputSource = {
  readonly job: JobId;
  readonly blobs: CoordinatorBlobs;
  readonly shared: SharedInputs;
  readonly signal: AbortSignal;
};

/** A local file that this worker may not read is tried through the coordinator, which may have
 *  other rights. So is one that is not here as it was submitted: a name of a machine proves
 *  nothing, since two may share it. The coordinator says whether the file has changed. */
export async function openFile(
  source: InputSource,
  file: InputFile,
  index: number,
): Promise<OpenInput> {
  if (await liesHere(file)) return openLocal(file);
  const { job, blobs, signal } = source;
  const { at, sizeBytes } = file;
  if (at.kind === "remote") {
    const read = (start: number, end: number) =>
      remoteFiles.read({ ...at, sizeBytes }, start, end, signal);
    return { read, path: null, close: async () => {} };
  }
  const relayed = (start: number, end: number) =>
    asDownload(blobs.input(job, index, { start, end }, signal), file);
  const read = file.at.kind === "shared" ? readShared(source, file, relayed) : relayed;
  return { read, path: null, close: async () => {} };
}

/** From its members; the coordinator passes on what this worker cannot reach. */
function readShared(
  { shared, signal }: InputSource,
  { at, name, sizeBytes }: InputFile,
  relayed: OpenInput["read"],
): OpenInput["read"] {
  const root = at.kind === "shared" ? at.root : "";
  return async function* read(start, end) {
    let done = start;
    try {
      for await (const bytes of shared.read({ name, root, sizeBytes }, { start, end }, signal)) {
        done += bytes.length;
        yield bytes;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ClusterError) || error.code === "data-lost") throw error;
      yield* relayed(done, end);
    }
  };
}

async function* asDownload(bytes: AsyncIterable<Uint8Array>, file: InputFile) {
  try {
    yield* bytes;
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code === "data-lost") throw error;
    const text = `input ${file.name}: ${error.message}`;
    throw new ClusterError("download-failed", text, { cause: error });
  }
}

async function liesHere({ at, sizeBytes }: InputFile): Promise<boolean> {
  if (at.kind !== "path" || at.host !== hostId()) return false;
  try {
    await access(at.path, constants.R_OK);
    const { mtimeMs, size } = await stat(at.path);
    return size === sizeBytes && Math.floor(mtimeMs) === Math.floor(at.mtimeMs);
  } catch {
    return false;
  }
}
