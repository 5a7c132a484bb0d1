/** Modules of running jobs for workers that fetch programs from P4 peers: `getFile`, on the port of
 *  the control channel. The key in a module's name opens it while its job runs; nothing else is
 *  served. */
import { ClusterError } from "../../../core/error.ts";
import type { Method } from "../../../link/grpc/server.ts";
import type { Blobs } from "../../../store/blob/blob.ts";
import { readWhole } from "../../../store/blob/whole.ts";
import * as data from "../../../wire/p4/data.ts";
import { mustLead, type Ownership } from "../../leading/answering.ts";
import { asJobId } from "../../services.ts";
import type { Programs } from "../worker/programs.ts";

/** In one message, with its head. */
const messageMaxBytes = data.wholeFileMaxBytes - 16;

export type ModuleParts = {
  readonly programs: Pick<Programs, "moduleAt">;
  readonly blobs: Pick<Blobs, "read" | "size">;
  readonly owner: Ownership;
};

export function moduleMethods(parts: ModuleParts): Readonly<Record<string, Method>> {
  return {
    [data.paths.getFile]: {
      requestMaxBytes: data.messageMaxBytes.request,
      // Existing workers know no TLS here, and show no ticket.
      isForAll: true,
      async handle(request, _call, sink) {
        const { filePath } = data.decode(data.fileRequest, request);
        await mustLead(parts.owner);
        await sink.send(data.fileBytesParts(await moduleNamed(filePath, parts)));
      },
    },
  };
}

async function moduleNamed(name: string, { blobs, programs }: ModuleParts): Promise<Buffer> {
  const [, job = "", key = ""] = /^programs\/([^/]+)\/([^/]+)$/.exec(name) ?? [];
  const hash = job === "" ? null : programs.moduleAt(asJobId(job), key);
  // The exact words of existing peers.
  const missing = new ClusterError("not-found", "File not found");
  if (hash === null) throw missing;
  return readWhole(blobs, hash, messageMaxBytes).catch((error: Partial<ClusterError>) => {
    throw error.code === "not-found" ? missing : error;
  });
}
