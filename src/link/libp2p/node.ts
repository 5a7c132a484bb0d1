/** A node of libp2p over TCP: Noise, yamux and mplex, no discovery. It takes links, and dials them.
 *
 *  Its limits are raised where those of the library refuse honest peers: it takes 5 connections a
 *  second from one host, and refuses the sixth with an error about encryption; with mplex it takes
 *  5 substreams a second, and leaves the sixth without an answer. */
import { ClusterError } from "../../core/error.ts";
import type { Link } from "../link.ts";
import {
  type Connection,
  type Libp2p,
  type Libp2pNode,
  loadLibp2p,
  type Multiaddr,
  type Stream,
} from "./load.ts";
import { type FrameIds, RequestLink } from "./request-link.ts";
import { linkProtocol, StreamLink } from "./stream-link.ts";

export type NodeOptions = {
  /** Its private key, from `newKey`: the peer id follows from it. */
  readonly key: string;
  /** Where it listens, as `/ip4/127.0.0.1/tcp/7075`; "" = it only dials. */
  readonly listen: string;
  /** The protocol of existing peers, with a substream for each request. */
  readonly protocol: string;
  readonly ids: FrameIds;
  /** A larger frame closes its link. */
  readonly frameMaxBytes: number;
  /** Connections at once. Default 1,024. */
  readonly connectionsMax?: number;
  /** Takes a link of a peer, proved by its handshake; false = it is refused. Absent: none are
   *  taken. */
  readonly onLink?: (link: Link, peer: string) => boolean;
};

/** How long an existing peer may be away that has dialled this node, ms: what is to be sent waits
 *  for its new connection. */
const awayMaxMs = 60_000;
/** Substreams of a connection that a peer may have open. */
const inboundStreamsMax = 256;
/** New substreams of a connection in a second, with mplex. */
const streamsPerSecondMax = 10_000;
/** New connections of one host in a second. */
const connectionsPerSecondMax = 1_000;

/** A private key as text; a secret. */
export async function newKey(): Promise<string> {
  const { generateKeyPair, privateKeyToProtobuf } = await loadLibp2p();
  return Buffer.from(privateKeyToProtobuf(await generateKeyPair("Ed25519"))).toString("base64");
}

type Taken = NonNullable<NodeOptions["onLink"]>;

export class Node {
  readonly #node: Libp2pNode;
  readonly #options: NodeOptions;
  readonly #parse: (address: string) => Multiaddr;
  /** With existing peers, by their id. */
  readonly #links = new Map<string, RequestLink>();
  /** What waits for a connection of a peer, by its id. */
  readonly #arrivals = new Map<string, PromiseWithResolvers<void>>();

  private constructor(node: Libp2pNode, options: NodeOptions, parse: (text: string) => Multiaddr) {
    this.#node = node;
    this.#options = options;
    this.#parse = parse;
  }

  /** Throws `unavailable` with what to install, `bad-request` for an address that is none,
   *  `conflict` when it cannot listen there. */
  static async start(options: NodeOptions): Promise<Node> {
    const libp2p = await loadLibp2p();
    const parse = (text: string) => parsed(libp2p, text);
    const { connectionsMax = 1_024, key, listen } = options;
    if (listen !== "") parse(listen);
    const starting = libp2p.createLibp2p({
      privateKey: libp2p.privateKeyFromProtobuf(Buffer.from(key, "base64")),
      addresses: { listen: listen === "" ? [] : [listen] },
      transports: [libp2p.tcp()],
      connectionEncrypters: [libp2p.noise()],
      streamMuxers: [libp2p.yamux(), libp2p.mplex({ disconnectThreshold: streamsPerSecondMax })],
      connectionManager: {
        inboundConnectionThreshold: connectionsPerSecondMax,
        maxIncomingPendingConnections: 256,
        maxConnections: connectionsMax,
      },
      // Liveness is the protocol's own; existing peers know no ping of libp2p.
      connectionMonitor: { enabled: false },
    });
    const node = await starting.catch((cause: Error) => {
      const text = `cannot listen at ${listen}: ${cause.message}`;
      throw new ClusterError("conflict", text, { cause });
    });
    const made = new Node(node, options, parse);
    await made.#handle();
    return made;
  }

  get peerId(): string {
    return this.#node.peerId.toString();
  }

  /** Each ends with its peer id. */
  get addresses(): string[] {
    return this.#node.getMultiaddrs().map(String);
  }

  /** A link to the peer at `/ip4/…/tcp/…/p2p/…`, which proves that it is this one. Throws
   *  `unavailable` when it cannot be reached, `version-mismatch` when it speaks neither
   *  protocol. */
  async dial(address: string, timeoutMs: number): Promise<Link> {
    const peer = peerOf(address);
    const to = this.#parse(address);
    const { frameMaxBytes, protocol } = this.#options;
    const signal = AbortSignal.timeout(timeoutMs);
    // Taken by the first request: it shows which protocol the peer speaks.
    let first: Stream | null = null;
    const link = this.#linkTo(peer, address, async (limit) => {
      const ready = first;
      first = null;
      if (ready !== null && ready.status === "open") return ready;
      const connection = this.#connectionTo(peer) ?? (await this.#node.dial(to, { signal: limit }));
      return connection.newStream(protocol, { signal: limit });
    });
    try {
      const connection = await this.#node.dial(to, { signal });
      const stream = await connection.newStream([linkProtocol, protocol], { signal });
      if (stream.protocol === linkProtocol) {
        this.#links.delete(peer);
        return new StreamLink(stream, address, { frameMaxBytes });
      }
      first = stream;
      return link;
    } catch (cause) {
      link.close("it was not reached");
      throw dialError(address, protocol, cause as Error);
    }
  }

  /** Ends all connections, so that the process can end. */
  async stop(): Promise<void> {
    const links = [...this.#links.values()];
    for (const link of links) link.close("the node stops");
    await Promise.all(links.map(({ released }) => released));
    await this.#node.stop();
  }

  async #handle(): Promise<void> {
    const { frameMaxBytes, onLink, protocol } = this.#options;
    const streams = { maxInboundStreams: inboundStreamsMax };
    const take = (stream: Stream, { remotePeer }: Connection) => {
      const peer = remotePeer.toString();
      const link = this.#links.get(peer) ?? this.#accepted(peer, onLink);
      if (link === null) stream.abort(new Error("this peer is not taken"));
      else link.accept(stream);
    };
    await this.#node.handle(protocol, take, streams);
    this.#node.addEventListener("connection:open", ({ detail }) => {
      this.#arrivals.get(detail.remotePeer.toString())?.resolve();
    });
    if (onLink === undefined) return;
    await this.#node.handle(linkProtocol, (stream, { remoteAddr, remotePeer }) => {
      const link = new StreamLink(stream, String(remoteAddr), { frameMaxBytes });
      if (!onLink(link, remotePeer.toString())) link.close("this peer is not taken");
    });
  }

  /** An existing peer that has dialled this node. */
  #accepted(peer: string, onLink: Taken | undefined): RequestLink | null {
    const connection = this.#connectionTo(peer);
    if (onLink === undefined || connection === undefined) return null;
    const { protocol } = this.#options;
    const open = async (signal: AbortSignal) => {
      for (;;) {
        const current = this.#connectionTo(peer);
        if (current !== undefined) return current.newStream(protocol, { signal });
        await this.#arrival(peer, signal);
      }
    };
    const link = this.#linkTo(peer, String(connection.remoteAddr), open, awayMaxMs);
    if (onLink(link, peer)) return link;
    link.close("this peer is not taken");
    return null;
  }

  /** Resolves when the peer has a connection again. */
  async #arrival(peer: string, signal: AbortSignal): Promise<void> {
    const arrival = this.#arrivals.get(peer) ?? Promise.withResolvers<void>();
    this.#arrivals.set(peer, arrival);
    const gone = () => arrival.reject(new Error(`${peer} has closed its connection`));
    signal.addEventListener("abort", gone, { once: true });
    if (signal.aborted) gone();
    try {
      await arrival.promise;
    } finally {
      signal.removeEventListener("abort", gone);
      if (this.#arrivals.get(peer) === arrival) this.#arrivals.delete(peer);
    }
  }

  #linkTo(
    peer: string,
    remote: string,
    open: (signal: AbortSignal) => Promise<Stream>,
    openTimeoutMs = 10_000,
  ): RequestLink {
    const { frameMaxBytes, ids } = this.#options;
    this.#links.get(peer)?.close("it is replaced by another link");
    const link = new RequestLink({
      ...{ remote, ids, open, openTimeoutMs, frameMaxBytes },
      isConnected: () => this.#connectionTo(peer) !== undefined,
      isPaced: () => this.#connectionTo(peer)?.multiplexer?.includes("mplex") === true,
      release: () => {
        if (this.#links.get(peer) === link) this.#release(peer);
      },
    });
    this.#links.set(peer, link);
    return link;
  }

  #release(peer: string): void {
    this.#links.delete(peer);
    this.#connectionTo(peer)
      ?.close()
      .catch(() => {});
  }

  #connectionTo(peer: string): Connection | undefined {
    return this.#node.getConnections().find(({ remotePeer, status }) => {
      return status === "open" && remotePeer.toString() === peer;
    });
  }
}

function parsed(libp2p: Pick<Libp2p, "multiaddr">, text: string): Multiaddr {
  try {
    return libp2p.multiaddr(text);
  } catch (cause) {
    throw new ClusterError("bad-request", `${text} is no address of libp2p; ${likeThis}`, {
      cause,
    });
  }
}

const likeThis = "write it as /ip4/192.168.1.20/tcp/7075/p2p/12D3Koo…";

function peerOf(address: string): string {
  const peer = /\/p2p\/([A-Za-z0-9]+)$/.exec(address)?.[1];
  if (peer !== undefined) return peer;
  const text = `${address} does not say which peer is meant; ${likeThis}`;
  throw new ClusterError("bad-request", text);
}

function dialError(address: string, protocol: string, cause: Error): ClusterError {
  if (cause instanceof ClusterError) return cause;
  if (cause.name === "UnsupportedProtocolError") {
    return new ClusterError("version-mismatch", `${address} does not speak ${protocol}`, { cause });
  }
  return new ClusterError("unavailable", `no peer answers at ${address}: ${cause.message}`, {
    cause,
  });
}
