/** An existing worker over libp2p: asks to be managed, fetches the module of each task by HTTP and
 *  runs it. `node libp2p_worker.mjs <address of the manager>` */
import { multiaddr } from "@multiformats/multiaddr";
import { ask, field, parse, say, startPeer } from "./libp2p_peer.mjs";

const ack = field(4, Buffer.alloc(0));
let connection = null;

async function run(task) {
  const fields = Object.fromEntries(parse(task));
  const [id, argument] = [fields[1], fields[5] ?? Buffer.alloc(0)];
  const status = (data) => ask(connection, field(14, Buffer.concat([field(1, id), data])));
  const module = new Uint8Array(await (await fetch(fields[2].toString())).arrayBuffer());
  await status(field(4, Math.floor(Date.now() / 1000)));
  let result = Buffer.alloc(0);
  const bytes = (at, length) => new Uint8Array(instance.exports.memory.buffer, at, length);
  const env = {
    host_get_argument_len: () => argument.length,
    host_get_argument: (at, length) => {
      bytes(at, length).set(argument.subarray(0, length));
      return BigInt(argument.length);
    },
    host_send_result: (at, length) => {
      result = Buffer.from(bytes(at, length));
      return BigInt(length);
    },
    abort() {},
  };
  const { instance } = await WebAssembly.instantiate(module, { env });
  const end = instance.exports.run() < 0n ? field(5, 2) : field(6, result);
  const [kind] = await status(end);
  say({ task: argument.toString(), timeoutS: fields[6] ?? 0, kind: fields[4] ?? 0, answer: kind });
}

const node = await startPeer({
  listen: false,
  muxer: "mplex",
  answer: async (kind, body) => {
    if (kind === 1) return field(2, field(1, 1));
    if (kind === 8) return field(9, Buffer.alloc(0));
    if (kind === 7) {
      say({ bye: true });
      setTimeout(() => node.stop(), 100);
    }
    if (kind === 10) for (const [, task] of parse(body)) setImmediate(() => void run(task));
    return ack;
  },
});
connection = await node.dial(multiaddr(process.argv[2]));
const [, type] = await ask(connection, field(1, field(1, 1)));
const specs = [10, 10, 2, 1024, 10].map((value, at) => field(at + 1, value));
const request = Buffer.concat([...specs, field(6, Buffer.from([0]))]);
const [, accepted] = await ask(connection, field(5, request));
say({ manager: type.length === 0, accepted: parse(accepted)[0]?.[1] === 1 });
