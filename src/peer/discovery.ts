/** Discovery by UDP, both roles: answers the request of existing programs, and sends it. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIP } from "node:net";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { ClusterError } from "../core/error.ts";
import { isLoopback, type Listen } from "../link/listen.ts";
import { listenError } from "../link/listen-error.ts";
import {
  decodeAddress,
  encodeAddress,
  isQuestion,
  question,
} from "../wire/filesystem/discovery.ts";

const limitedBroadcast = "255.255.255.255";

export type Answering = { readonly port: number; close(): Promise<void> };

/** Answers on the address, and on the broadcast address of its network where there is one. */
export async function answerQuestions({ host, port }: Listen, at: Listen): Promise<Answering> {
  const answer = encodeAddress(at);
  const take = (socket: Socket) =>
    socket.on("message", (datagram: Uint8Array, { address, port: from }: RemoteInfo) => {
      if (isQuestion(datagram)) socket.send(answer, from, address, () => {});
    });
  const own = take(await bound({ host, port }));
  const sockets = [own];
  const chosen = own.address().port;
  const broadcast = broadcastOf(host);
  if (broadcast !== null) {
    // Systems that cannot bind a broadcast address deliver broadcasts to the socket of the address
    // itself.
    const second = await bound({ host: broadcast, port: chosen }).catch(() => null);
    if (second !== null) sockets.push(take(second));
  }
  return {
    port: chosen,
    async close() {
      await Promise.all(sockets.map((socket) => new Promise<void>((done) => socket.close(done))));
    },
  };
}

export type AskOptions = {
  /** At least one address; see `questionHosts`. */
  readonly hosts: readonly string[];
  /** UDP. */
  readonly port: number;
  /** Ends when no answer came for this long, ms. Default 2,000, as in existing programs. */
  readonly quietMs?: number;
  /** Ends with this many answers. Default 256. */
  readonly answersMax?: number;
};

/** Where a program that listens on this address sends its question: the broadcast address of its
 *  network, or of each network for 0.0.0.0. 255.255.255.255 is the last resort: it takes the
 *  default route, so it reaches one network of several, and none where there is no such route. On
 *  loopback and for IPv6 it is the address itself. */
export function questionHosts(host: string): string[] {
  if (isLoopback(host)) return [host];
  const own = broadcastOf(host);
  if (own !== null) return [own];
  if (host !== "0.0.0.0" && host !== "::") return [isIP(host) === 6 ? host : limitedBroadcast];
  const networks = interfaceAddresses()
    .filter(({ internal }) => !internal)
    .map(({ address }) => broadcastOf(address))
    .filter((broadcast) => broadcast !== null);
  return networks.length === 0 ? [limitedBroadcast] : [...new Set(networks)];
}

/** Sends the request to each address, which may be the broadcast address of a network. Answers
 *  that are not a pickled pair of strings are ignored. Each address once, in the order of arrival.
 *  Throws `unavailable` when it can be sent to none. */
export async function askAround(options: AskOptions): Promise<Listen[]> {
  const { answersMax = 256, hosts, port, quietMs = 2_000 } = options;
  const found = new Map<string, Listen>();
  const socket = await bound({
    host: hosts.some((host) => isIP(host) === 6) ? "::" : "0.0.0.0",
    port: 0,
  });
  let left = hosts.length;
  const { promise, reject, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, quietMs);
  try {
    socket.setBroadcast(true);
    socket.on("message", (datagram: Uint8Array) => {
      const address = readQuietly(datagram);
      if (address === null) return;
      found.set(`${address.host} ${address.port}`, address);
      timer.refresh();
      if (found.size >= answersMax) resolve();
    });
    for (const host of hosts) {
      socket.send(question, port, host, (error) => {
        if (error === null || --left > 0) return;
        const text = `cannot send to ${host}:${port} (${error.message}); give another address`;
        reject(new ClusterError("unavailable", text, { cause: error }));
      });
    }
    await promise;
    return [...found.values()];
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

function readQuietly(datagram: Uint8Array): Listen | null {
  try {
    return decodeAddress(datagram);
  } catch {
    return null;
  }
}

function bound({ host, port }: Listen): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIP(host) === 6 ? "udp6" : "udp4");
    socket.once("error", (cause) => {
      socket.close();
      reject(listenError(cause, { host, port }, { options: "--filesystem", free: "another port" }));
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      // An ICMP answer to what was sent is not a failure here.
      socket.removeAllListeners("error").on("error", () => {});
      resolve(socket);
    });
  });
}

/** Null for the unspecified address, which receives broadcasts anyway, for IPv6, for what is no
 *  address of this machine, and for links between two machines, which have no broadcasts. */
function broadcastOf(host: string): string | null {
  if (isIP(host) !== 4 || host === "0.0.0.0") return null;
  const own = interfaceAddresses().find(({ address }) => address === host);
  const netmask = own?.netmask ?? (host.startsWith("127.") ? "255.0.0.0" : null);
  if (netmask === null) return null;
  const mask = netmask.split(".").map(Number);
  const parts = host.split(".").map((part, index) => Number(part) | (~(mask[index] ?? 255) & 0xff));
  const broadcast = parts.join(".");
  return broadcast === host ? null : broadcast;
}

function interfaceAddresses(): NetworkInterfaceInfo[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
}
