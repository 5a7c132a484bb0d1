/** An existing manager over libp2p: manages the first worker that asks, gives it a module twice and
 *  one that it cannot have, then says good-bye. `node libp2p_manager.mjs <module> <hash, hex>` */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { ask, field, parse, say, startPeer } from "./libp2p_peer.mjs";

const module = readFileSync(process.argv[2]);
const hash = Buffer.from(process.argv[3], "hex");
const server = createServer((_, answer) => answer.end(module));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${server.address().port}/module.wasm`;
/** Of a program that cannot be fetched. */
const other = Buffer.concat([Buffer.from([0x1b, 0x20]), Buffer.alloc(32)]);
const ack = field(4, Buffer.alloc(0));
const isWorker = new Set();
let left = 3;

function task(number, place, argument, wanted = hash) {
  const id = Buffer.concat([Buffer.from([0x1b, 0x20]), Buffer.alloc(32, number)]);
  const fields = [field(1, id), field(2, Buffer.from(place)), field(3, wanted)];
  return field(1, Buffer.concat([...fields, field(5, Buffer.from(argument)), field(6, 30)]));
}

async function manage(connection) {
  const tasks = [
    task(1, address, "100"),
    task(2, address, "1000"),
    task(3, "/ipfs/QmX", "", other),
  ];
  const [kind] = await ask(connection, field(10, Buffer.concat(tasks)));
  say({ executed: kind === 4 });
  const [pong] = await ask(connection, field(8, Buffer.alloc(0)));
  say({ pong: pong === 9 });
}

const node = await startPeer({
  listen: true,
  muxer: "yamux",
  answer: async (kind, body, connection) => {
    const peer = String(connection.remotePeer);
    if (kind === 1) {
      if (parse(body)[0]?.[1] === 1) isWorker.add(peer);
      return field(2, Buffer.alloc(0));
    }
    if (kind === 5) {
      const kinds = parse(body).find(([number]) => number === 6);
      say({ peer, kinds: [...kinds[1]], extension: parse(body).some(([number]) => number > 99) });
      const accepted = isWorker.has(peer);
      if (accepted) setImmediate(() => void manage(connection));
      return field(6, accepted ? field(1, 1) : Buffer.alloc(0));
    }
    if (kind === 8) return field(9, Buffer.alloc(0));
    if (kind === 7) {
      say({ bye: true });
      setTimeout(() => {
        node.stop();
        server.close();
      }, 100);
    }
    if (kind === 14) {
      const [[, id], [state, value]] = parse(body);
      say({ task: id[2], state, value: Buffer.isBuffer(value) ? value.toString() : value > 9 });
      if (state === 5 || state === 6) left -= 1;
      if (left === 0) say({ done: true });
    }
    return ack;
  },
});
say({ address: String(node.getMultiaddrs()[0]) });
