/** The ZeroMQ library, loaded when a server or client that uses it is opened: it is 41 MB with its
 *  binaries, so only those who use it install it. For the same reason the types in use are declared
 *  here. */
import { loadOnce } from "../load-once.ts";

export type ZeromqSocket = {
  readonly closed: boolean;
  readonly lastEndpoint: string | null;
  bind(endpoint: string): Promise<void>;
  connect(endpoint: string): void;
  /** Rejects after `receiveTimeout` ms, and when the socket is closed meanwhile. */
  receive(): Promise<Buffer[]>;
  /** Throws EBUSY, at once and not in the promise, while another send waits. */
  send(message: Buffer | ReadonlyArray<Buffer | string>): Promise<void>;
  close(): void;
};

export type ZeromqOptions = {
  /** How long queued messages may take to be sent once the socket is closed, ms. */
  readonly linger: number;
  /** Bytes of a frame; a connection that sends more is closed. */
  readonly maxMessageSize: number;
  /** Longest handshake, ms. */
  readonly handshakeInterval: number;
  /** Between two tries to connect, ms. */
  readonly reconnectInterval?: number;
  readonly receiveTimeout?: number;
  readonly sendTimeout?: number;
  readonly ipv6: boolean;
};

type SocketKind = new (options: ZeromqOptions) => ZeromqSocket;

export type Zeromq = {
  readonly Reply: SocketKind;
  readonly Request: SocketKind;
  readonly Router: SocketKind;
};

/** Not written into the import, so that the compiler does not resolve it. */
const packageName: string = "zeromq";

/** Throws `unavailable` with what to install. */
export const loadZeromq = loadOnce(
  () => import(packageName) as Promise<Zeromq>,
  (code) => {
    const why = code === "ERR_MODULE_NOT_FOUND" ? "is not installed" : `cannot be loaded (${code})`;
    const text = `the filesystem protocol needs the package zeromq, which ${why}`;
    return `${text}; install it with: npm install zeromq@6`;
  },
);
