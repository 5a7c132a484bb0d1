/** Downloads for tests, and peers whose `read` misbehaves. */
import type { TestContext } from "node:test";
import type { Method } from "../../link/grpc/server.ts";
import { paths, readAnswerParts } from "../../wire/p4/data.ts";
import { Download, type DownloadOptions } from "../fetch/download.ts";
import { testConnections, testPool } from "./peers.ts";

export const KiB = 1024;
export const MiB = 1024 * KiB;

export function download(
  t: TestContext,
  options: Pick<DownloadOptions, "root" | "target" | "sources"> & Partial<DownloadOptions>,
) {
  return new Download({
    replaces: false,
    connections: testConnections(t),
    pool: testPool,
    ...options,
    limits: { retryMs: 5, ...options.limits },
  });
}

/** A peer whose `read` is changed: `change` gets the correct method and the request. */
export function readingAs(change: (honest: Method) => Method["handle"]) {
  return (methods: Readonly<Record<string, Method>>) => {
    const honest = methods[paths.read]!;
    return { ...methods, [paths.read]: { ...honest, handle: change(honest) } };
  };
}

/** Sends the correct messages, but each content passed through `bend`. */
export function bending(bend: (content: Uint8Array, index: number) => Uint8Array) {
  return readingAs((honest) => async (request, call, sink) => {
    let index = 0;
    await honest.handle(request, call, {
      send: ([head, content]) => {
        const bent = bend(Uint8Array.from(content!), index++);
        const whole = readAnswerParts({ piece: pieceOf(head!), content: bent });
        return sink.send(whole);
      },
    });
  });
}

/** The piece number in the head of a `readAnswer`. */
function pieceOf(head: Uint8Array): number {
  if (head[0] !== 8) return 0;
  let piece = 0;
  for (let at = 1, shift = 1; ; at++, shift *= 128) {
    piece += (head[at]! & 127) * shift;
    if (head[at]! < 128) return piece;
  }
}
