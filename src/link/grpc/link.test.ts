/** A link over the calls of one gRPC connection on loopback: the conformance tests. What the caller
 *  sends are unary calls, one after the other; what it is sent are messages of a streaming one. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Duplex } from "node:stream";
import { linkConformance } from "../../../test/conformance/register.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import { StreamLink } from "../libp2p/stream-link.ts";
import { DuplexStream } from "../testing/duplex-stream.ts";
import type { Sink } from "./answer.ts";
import { GrpcClient } from "./client.ts";
import { dial } from "./dial.ts";
import { GrpcServer, type Method } from "./server.ts";

const nothing = [new Uint8Array(0)];
const messageMaxBytes = 1024 * 1024;

/** One end: what arrives is put into it, and read when the link has room. */
class End extends Duplex {
  #wake = () => {};

  override _read(): void {
    this.#wake();
  }

  async arrived(bytes: Uint8Array | null): Promise<void> {
    if (this.destroyed || this.push(bytes) || bytes === null) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.once("close", resolve);
    });
  }
}

function calledEnd(): { readonly end: End; readonly methods: Record<string, Method> } {
  const sink = Promise.withResolvers<Sink>();
  const left = Promise.withResolvers<void>();
  const end = new End({
    write: (chunk, _encoding, done) => {
      sink.promise.then((to) => to.send([chunk])).then(() => done(), done);
    },
    final: (done) => {
      left.resolve();
      done();
    },
    destroy: (error, done) => {
      left.resolve();
      done(error);
    },
  });
  const method = (handle: Method["handle"]): Method => ({
    requestMaxBytes: messageMaxBytes,
    handle,
  });
  const methods = {
    "/Link/send": method(async (request, _call, answer) => {
      await end.arrived(request);
      await answer.send(nothing);
    }),
    "/Link/end": method(async (_request, _call, answer) => {
      await end.arrived(null);
      await answer.send(nothing);
    }),
    "/Link/receive": method((_request, call, answer) => {
      call.signal.addEventListener("abort", () => end.destroy());
      sink.resolve(answer);
      return left.promise;
    }),
  };
  return { end, methods };
}

function callingEnd(client: GrpcClient): End {
  const options = { limitMs: waitMaxMs, answerMaxBytes: messageMaxBytes };
  const end = new End({
    write: (chunk, _encoding, done) => {
      client.unary("/Link/send", [chunk], options).then(() => done(), done);
    },
    final: (done) => {
      client.unary("/Link/end", nothing, options).then(() => done(), done);
    },
    destroy: (error, done) => {
      client.close();
      done(error);
    },
  });
  const receive = async () => {
    for await (const bytes of client.stream("/Link/receive", nothing, options)) {
      await end.arrived(bytes);
    }
    await end.arrived(null);
  };
  receive().catch((error: Error) => end.destroy(error));
  return end;
}

linkConformance("grpc", async (limits) => {
  const { end: called, methods } = calledEnd();
  const broken: unknown[] = [];
  const grpc = new GrpcServer({ methods, onBroken: (error) => broken.push(error) });
  const server = createServer({ noDelay: true }, (socket) => grpc.serve(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const to = { host: "127.0.0.1", port, fingerprint: "", refuse: () => null };
  const socket = await dial({ ...to, limitMs: waitMaxMs });
  const calling = callingEnd(new GrpcClient(socket, `127.0.0.1:${port}`));
  const patient = { ...limits, closeTimeoutMs: waitMaxMs };
  const linkOn = (end: End) => new StreamLink(new DuplexStream(end), "127.0.0.1", patient);
  return {
    ends: [linkOn(calling), linkOn(called)],
    async close() {
      // Not before both have sent what they had.
      server.close();
      await once(server, "close");
      if (broken.length > 0) throw broken[0];
    },
  };
});
