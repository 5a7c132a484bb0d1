/** Where others ask this user for its published files: users of the console by GET_FILE, existing
 *  peers of P4 by getFile, on one port. Neither identifies itself: the console protocol has no
 *  authentication. */
import { ClusterError } from "../../core/error.ts";
import { GrpcServer, type Method } from "../../link/grpc/server.ts";
import { type FileLookup, serveGetFile } from "../../peer/console-files.ts";
import { defaultListenerLimits, openListener } from "../../peer/listener.ts";
import * as data from "../../wire/p4/data.ts";

/** Connections at once; more are closed without a word. */
const connectionsMax = 128;

export type FileListener = {
  readonly port: number;
  /** Ends transfers that are under way, too. */
  close(): Promise<void>;
};

/** Rejects with `conflict` or `bad-request`. */
export function listenForUsers(
  at: { readonly host: string; readonly port: number },
  lookup: FileLookup,
): Promise<FileListener> {
  const methods = { [data.paths.getFile]: getFileMethod(lookup) };
  const onBroken = (error: unknown) => console.error(error);
  return openListener({
    ...defaultListenerLimits,
    ...at,
    connectionsMax,
    advice: { options: "--listen-host and --listen-port", free: "--listen-port 0" },
    grpc: new GrpcServer({ methods, onBroken }),
    other: (socket, first) => void serveGetFile(socket, first, lookup),
  });
}

/** Files that are held in memory at once, for getFile. */
const heldMax = 16;
const sizeMaxBytes = data.wholeFileMaxBytes - 16;

/** One message holds the whole file, so a large one is refused. */
function getFileMethod(lookup: FileLookup): Method {
  let held = 0;
  return {
    requestMaxBytes: data.messageMaxBytes.request,
    async handle(request, _call, sink) {
      const { filePath } = data.decode(data.fileRequest, request);
      if (held >= heldMax) {
        throw new ClusterError("unavailable", `${heldMax} files are being sent; try again later`);
      }
      held += 1;
      try {
        await sink.send(data.fileBytesParts(await whole(filePath, lookup)));
      } finally {
        held -= 1;
      }
    },
  };
}

async function whole(path: string, lookup: FileLookup): Promise<Uint8Array> {
  const file = await lookup(path);
  if (file === null) throw new ClusterError("not-found", "File not found");
  try {
    if (file.sizeBytes > sizeMaxBytes) {
      const text = `${path} has ${file.sizeBytes} bytes, getFile sends at most ${sizeMaxBytes}`;
      throw new ClusterError("limit-exceeded", `${text}; ask by GET_FILE of the console`);
    }
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of file.content) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > file.sizeBytes) break;
    }
    if (sizeBytes === file.sizeBytes) return Buffer.concat(chunks);
    throw new ClusterError("unavailable", `${path} has changed while it was read; try again`);
  } finally {
    await file.close();
  }
}
