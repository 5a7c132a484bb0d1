/** The answering half of a call: messages, then the status in the trailers. */
import { constants, type ServerHttp2Stream } from "node:http2";
import { ClusterError } from "../../core/error.ts";
import { prefixOf } from "./messages.ts";
import { contentType, encodeDetails } from "./metadata.ts";
import { grpcStatus, statusOf } from "./status.ts";

export type Sink = {
  /** Sends one message, given in parts that are not copied: they may be reused once the promise has
   *  resolved. Rejects when the caller is gone. */
  send(parts: readonly Uint8Array[]): Promise<void>;
};

export type Answer = { readonly sink: Sink; end(): void; fail(error: unknown): void };

export function answerOf(stream: ServerHttp2Stream): Answer {
  const begin = () => {
    if (stream.headersSent || stream.destroyed) return;
    const headers = { "content-type": contentType, "grpc-accept-encoding": "identity" };
    stream.respond({ ":status": 200, ...headers }, { waitForTrailers: true });
  };
  const finish = (status: number, details: string) => {
    if (stream.destroyed) return;
    const trailers = {
      "grpc-status": String(status),
      ...(details === "" ? {} : { "grpc-message": encodeDetails(details) }),
    };
    if (stream.headersSent) {
      stream.once("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end();
    } else {
      stream.respond(
        { ":status": 200, "content-type": contentType, ...trailers },
        {
          endStream: true,
        },
      );
    }
    // A request that was not read to its end would keep the stream open. Node 26 forgets headers
    // that were not sent when the stream is closed in the same turn: the status would be lost.
    if (!stream.readableEnded) stream.once("finish", () => setImmediate(leave, stream));
  };
  const send = sender(stream);
  return {
    sink: {
      send(parts) {
        begin();
        return send(parts);
      },
    },
    end() {
      begin();
      finish(grpcStatus.ok, "");
    },
    fail(error) {
      const { status, details } = statusOf(error);
      finish(status, details);
    },
  };
}

function sender(stream: ServerHttp2Stream): Sink["send"] {
  const waiting = new Set<(error: Error) => void>();
  stream.once("close", () => {
    for (const reject of waiting) reject(gone());
  });
  return (parts) =>
    new Promise((resolve, reject) => {
      if (stream.destroyed) return reject(gone());
      waiting.add(reject);
      const whole = [prefixOf(parts), ...parts].filter((part) => part.length > 0);
      const last = whole.pop()!;
      stream.cork();
      for (const part of whole) stream.write(part);
      stream.write(last, (error) => {
        waiting.delete(reject);
        if (error) reject(gone());
        else resolve();
      });
      stream.uncork();
    });
}

function gone(): ClusterError {
  return new ClusterError("unavailable", "the caller left");
}

function leave(stream: ServerHttp2Stream): void {
  if (!stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
}
