/** A client of the console that shares no code with the product: it sends bytes, and reads to the
 *  end. */
import { once } from "node:events";
import { connect } from "node:net";

/** Sends the pieces one after another, and no FIN unless `halfClose`; returns every byte that the
 *  server sends before it closes. */
export async function rawAnswer(
  address: { readonly host: string; readonly port: number },
  pieces: readonly (string | Uint8Array)[],
  halfClose = false,
): Promise<Buffer> {
  const socket = connect({ ...address, allowHalfOpen: true, noDelay: true });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", () => {});
  await once(socket, "connect");
  for (const piece of pieces) await new Promise((sent) => socket.write(piece, sent));
  if (halfClose) socket.end();
  await once(socket, "end");
  socket.destroy();
  return Buffer.concat(chunks);
}
