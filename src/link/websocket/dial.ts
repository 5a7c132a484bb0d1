/** The client side of WebSocket links. Every failure becomes a `ClusterError` with a next step. */
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { WebSocket } from "ws";
import { ClusterError } from "../../core/error.ts";
import type { Link } from "../link.ts";
import { dialError, httpRefusal } from "./dial-error.ts";
import { connectPinned, parseFingerprint } from "./pinned-tls.ts";
import { type OpenSocket, type SocketLimits, SocketLink, socketOptions } from "./socket-link.ts";
import { TextLink } from "./text-link.ts";

export type DialOptions = SocketLimits & {
  /** Sent with the upgrade; `authorization` above all. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For connecting, TLS and upgrade together, in ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** Accept exactly the certificate with this SHA-256 (of its DER, in hex), whatever its issuer. It
   *  is checked before the headers are sent. Without it, wss: needs a certificate of a known
   *  authority. */
  readonly tls?: { readonly fingerprint: string };
};

/** Opens a link to `ws:`, `wss:`, `http:` or `https:` addresses. The link reads nothing until
 *  `onFrame` is set. */
export async function dialWebSocket(url: string, options: DialOptions = {}): Promise<Link> {
  return new SocketLink(await dial(url, options), options);
}

/** The same, for text frames. */
export async function dialText(url: string, options: DialOptions = {}): Promise<TextLink> {
  return new TextLink(await dial(url, options), options);
}

async function dial(url: string, options: DialOptions): Promise<OpenSocket> {
  const target = parseTarget(url);
  const timeoutMs = options.timeoutMs ?? 10_000;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    if (options.tls === undefined) return await open(target, options, signal);
    const fingerprint = parseFingerprint(options.tls.fingerprint);
    if (target.protocol !== "wss:") {
      throw new ClusterError(
        "bad-request",
        `a certificate is pinned, but ${target.origin} is not TLS; use wss:// or https://`,
      );
    }
    const socket = await connectPinned(target, fingerprint, signal);
    return await open(target, options, signal, socket);
  } catch (error) {
    if (signal.aborted && !(error instanceof ClusterError)) {
      throw new ClusterError(
        "unavailable",
        `${target.origin} did not answer in ${timeoutMs} ms; check the address and the firewall`,
        { cause: error },
      );
    }
    throw dialError(error, target);
  }
}

function parseTarget(url: string): URL {
  const target = URL.canParse(url) ? new URL(url) : null;
  if (target?.protocol === "http:") target.protocol = "ws:";
  if (target?.protocol === "https:") target.protocol = "wss:";
  if (target?.protocol !== "ws:" && target?.protocol !== "wss:") {
    throw new ClusterError(
      "bad-request",
      `"${url}" is not a valid address; it must begin with http://, https://, ws:// or wss://`,
    );
  }
  target.hash = "";
  return target;
}

function open(
  target: URL,
  options: DialOptions,
  signal: AbortSignal,
  socket?: TLSSocket,
): Promise<OpenSocket> {
  return new Promise((resolve, reject) => {
    const webSocket = new WebSocket(target, {
      ...socketOptions(options),
      followRedirects: false,
      headers: { ...options.headers },
      ...(socket === undefined ? {} : { createConnection: () => socket }),
    });
    const aborted = () => {
      reject(signal.reason);
      webSocket.terminate();
    };
    signal.addEventListener("abort", aborted, { once: true });
    let stream: Duplex;
    webSocket.once("upgrade", (response) => {
      stream = response.socket;
    });
    webSocket.once("open", () => {
      signal.removeEventListener("abort", aborted);
      // Nothing may arrive before there is a link to receive it.
      webSocket.pause();
      resolve({ socket: webSocket, stream, remote: target.host });
    });
    webSocket.once("unexpected-response", (request, response) => {
      httpRefusal(response, target).then((error) => {
        reject(error);
        request.destroy();
      }, reject);
    });
    // Stays for the whole life: an `error` without a listener would end the process.
    webSocket.on("error", reject);
  });
}
