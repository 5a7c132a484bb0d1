/** The packages of libp2p, loaded when a node is started: they are 118 packages with 47 MB, so only
 *  those who use them install them. For the same reason the types in use are declared here. */
import { loadOnce } from "../load-once.ts";

/** Bytes as they come: an array, or several that `subarray` joins. */
export type Chunk = Uint8Array | { subarray(): Uint8Array };

/** A substream of a connection. */
export type Stream = {
  readonly protocol: string;
  readonly status: string;
  readonly writeBufferLength: number;
  /** False: wait for `onDrain` before more is sent. Throws when it is closed. */
  send(bytes: Uint8Array): boolean;
  onDrain(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Ends this side's writing, once all that was sent has left. */
  close(options?: { readonly signal?: AbortSignal }): Promise<void>;
  abort(error: Error): void;
  pause(): void;
  resume(): void;
  addEventListener(kind: "message", heard: (event: { readonly data: Chunk }) => void): void;
  addEventListener(kind: "remoteCloseWrite", heard: () => void): void;
  addEventListener(kind: "close", heard: (event: { readonly error?: Error }) => void): void;
};

export type PeerId = { toString(): string };
export type Multiaddr = { toString(): string };

export type Connection = {
  readonly remotePeer: PeerId;
  readonly remoteAddr: Multiaddr;
  readonly status: string;
  /** As `/yamux/1.0.0`. */
  readonly multiplexer?: string;
  newStream(
    protocols: string | readonly string[],
    options?: { readonly signal?: AbortSignal; readonly maxOutboundStreams?: number },
  ): Promise<Stream>;
  close(options?: { readonly signal?: AbortSignal }): Promise<void>;
};

export type Libp2pNode = {
  readonly peerId: PeerId;
  getMultiaddrs(): readonly Multiaddr[];
  getConnections(peer?: PeerId): readonly Connection[];
  dial(to: Multiaddr, options?: { readonly signal?: AbortSignal }): Promise<Connection>;
  handle(
    protocol: string,
    take: (stream: Stream, connection: Connection) => void,
    options?: { readonly maxInboundStreams?: number; readonly maxOutboundStreams?: number },
  ): Promise<void>;
  addEventListener(
    kind: "connection:open",
    opened: (event: { readonly detail: Connection }) => void,
  ): void;
  stop(): Promise<void>;
};

type Key = { readonly type: string };

export type Libp2p = {
  createLibp2p(options: object): Promise<Libp2pNode>;
  tcp(options?: object): unknown;
  noise(): unknown;
  yamux(options?: object): unknown;
  mplex(options?: object): unknown;
  generateKeyPair(kind: "Ed25519"): Promise<Key>;
  privateKeyToProtobuf(key: Key): Uint8Array;
  privateKeyFromProtobuf(bytes: Uint8Array): Key;
  /** Throws when the text is none. */
  multiaddr(text: string): Multiaddr;
};

/** In the order in which they are named to the user. */
const packageNames: readonly string[] = [
  "libp2p",
  "@libp2p/tcp",
  "@chainsafe/libp2p-noise",
  "@libp2p/yamux",
  "@libp2p/mplex",
  "@libp2p/crypto",
  "@multiformats/multiaddr",
];
const versions = ["3", "11", "17", "8", "12", "5", "13"];

/** What to install. */
export const installLine = `npm install ${packageNames
  .map((name, at) => `${name}@${versions[at]}`)
  .join(" ")}`;

/** Throws `unavailable` with what to install. */
export const loadLibp2p = loadOnce(load, (code, { message }) => {
  const why =
    code === "ERR_MODULE_NOT_FOUND"
      ? "are not all installed"
      : `cannot be loaded (${code === "" ? message : code})`;
  return `libp2p needs packages that ${why}; install them with: ${installLine}`;
});

async function load(): Promise<Libp2p> {
  const names = packageNames.map((name) => (name === "@libp2p/crypto" ? `${name}/keys` : name));
  const all = await Promise.all(names.map((name) => import(name) as Promise<Partial<Libp2p>>));
  return Object.assign({}, ...all) as Libp2p;
}
