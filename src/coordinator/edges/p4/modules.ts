/** Modules of running jobs for workers that fetch programs from P4 peers: `getFile`, on the port of
 *  the control channel. The key in a module's name opens it while its job runs; nothing else is
 *  served. */
import { ClusterError } from "../../../core/error.ts";
import type { Method } from "../../../link/grpc/server.ts";
import type { Blobs } from "../../../store/blob/blob.ts";
import * as data from "../../../wire/p4/data.ts";
import { asJobId } from "../../services.ts";
import type { Programs } from "../worker/programs.ts";

/** In one message, with its head. */
const moduleMaxBytes = data.wholeFileMaxBytes - 16;

export type ModuleParts = {
  readonly programs: Pick<Programs, "moduleAt">;
  readonly blobs: Pick<Blobs, "read" | "size">;
};

export function moduleMethods(parts: ModuleParts): Readonly<Record<string, Method>> {
  return {
    [data.paths.getFile]: {
      requestMaxBytes: data.messageMaxBytes.request,
      // Existing workers know no TLS here, and show no ticket.
      isForAll: true,
      async handle(request, _call, sink) {
        const { filePath } = data.decode(data.fileRequest, request);
        await sink.send(data.fileBytesParts(await moduleNamed(filePath, parts)));
      },
    },
  };
}

async function moduleNamed(name: string, { blobs, programs }: ModuleParts): Promise<Buffer> {
  const [, job = "", key = ""] = /^programs\/([^/]+)\/([^/]+)$/.exec(name) ?? [];
  const hash = job === "" ? null : programs.moduleAt(asJobId(job), key);
  const sizeBytes = hash === null ? null : await blobs.size(hash);
  // The exact words of existing peers.
  if (hash === null || sizeBytes === null) throw new ClusterError("not-found", "File not found");
  if (sizeBytes > moduleMaxBytes) {
    throw new ClusterError("limit-exceeded", `${name} is larger than getFile can send`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.read(hash)) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}
