/** A link over a plain TCP connection on loopback: the conformance tests. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { linkConformance } from "../../../test/conformance/register.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import { StreamLink } from "../libp2p/stream-link.ts";
import { DuplexStream } from "../testing/duplex-stream.ts";
import { dialTcp } from "./dial.ts";

linkConformance("tcp", async (limits) => {
  const server = createServer({ noDelay: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const taken = once(server, "connection");
  const socket = await dialTcp({ host: "127.0.0.1", port }, { timeoutMs: waitMaxMs });
  const [accepted] = (await taken) as [Socket];
  const patient = { ...limits, closeTimeoutMs: waitMaxMs };
  const linkOn = (end: Socket) => new StreamLink(new DuplexStream(end), "127.0.0.1", patient);
  return {
    ends: [linkOn(socket), linkOn(accepted)],
    async close() {
      // Not before both have sent what they had.
      server.close();
      await once(server, "close");
    },
  };
});
