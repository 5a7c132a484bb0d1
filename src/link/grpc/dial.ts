/** Connects to a peer, and only to an allowed address: every address of a name is checked before it
 *  is tried, and the connected one once more. */
import { createHash } from "node:crypto";
import { lookup } from "node:dns";
import { connect, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { ClusterError } from "../../core/error.ts";
import { type RefuseClear, refuseBeyondHere } from "../tcp/clear.ts";

export type DialOptions = {
  readonly host: string;
  readonly port: number;
  /** SHA-256 of the peer's certificate, hex; "" = plain TCP. */
  readonly fingerprint: string;
  /** Whether plain TCP is allowed between these two addresses. Default: only within this
   *  machine. */
  readonly refuseClear?: RefuseClear;
  /** Why this IP must not be dialled, or null. */
  readonly refuse: (ip: string) => string | null;
  readonly limitMs: number;
  readonly signal?: AbortSignal;
};

/** The peer shows another certificate; a retry would not help. */
export class WrongCertificate extends ClusterError {}

/** Throws `forbidden` for a refused address, `unavailable` when there is no answer, and
 *  `WrongCertificate`; nothing has been written then. */
export async function dial(options: DialOptions): Promise<Socket> {
  const { fingerprint, refuseClear = refuseBeyondHere } = options;
  const socket = await connected(options);
  const isClear = fingerprint === "";
  const problem =
    options.refuse(socket.remoteAddress ?? "") ?? (isClear ? refuseClear(socket) : null);
  if (problem === null) return isClear ? socket : await secured(socket, options);
  socket.destroy();
  throw refused(options, problem);
}

function refused({ host, port }: DialOptions, problem: string): ClusterError {
  return new ClusterError("forbidden", `${host}:${port} is not dialled: ${problem}`);
}

function connected(options: DialOptions): Promise<Socket> {
  const { host, port, refuse } = options;
  const problem = isIP(host) === 0 ? null : refuse(host);
  if (problem !== null) return Promise.reject(refused(options, problem));
  const socket = connect({ host, port, noDelay: true, lookup: allowed(options) });
  return settled(socket, "connect", options);
}

/** The system's lookup, without the refused addresses. */
function allowed(options: DialOptions): LookupFunction {
  return (host, how, done) => {
    lookup(host, { ...how, all: true }, (error, addresses) => {
      if (error !== null) return done(error, "", 0);
      const kept = addresses.filter(({ address }) => options.refuse(address) === null);
      if (kept.length > 0) {
        if (how.all) done(null, kept);
        else done(null, kept[0]!.address, kept[0]!.family);
        return;
      }
      const problem = options.refuse(addresses[0]?.address ?? "") ?? "it has no address";
      done(refused(options, problem), "", 0);
    });
  };
}

async function secured(socket: Socket, options: DialOptions): Promise<TLSSocket> {
  const servername = isIP(options.host) === 0 ? options.host : "";
  const secure = connectTls({
    socket,
    servername,
    ALPNProtocols: ["h2"],
    // The issuer does not matter: the pin is stricter.
    rejectUnauthorized: false,
  });
  await settled(secure, "secureConnect", options);
  const shown = secure.getPeerCertificate().raw;
  const digest = shown === undefined ? "" : createHash("sha256").update(shown).digest("hex");
  if (digest === options.fingerprint) return secure;
  secure.destroy();
  throw new WrongCertificate(
    "unauthenticated",
    `${options.host}:${options.port} shows another certificate (${digest.slice(0, 16)}…) than it ` +
      "should: another peer answers there, or its owner shares anew; get it again, by a new link",
  );
}

/** The socket once `event` has come, within the limit. */
function settled<S extends Socket>(socket: S, event: string, options: DialOptions): Promise<S> {
  const { host, port, limitMs, signal } = options;
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => {
      finish();
      socket.destroy();
      if (cause instanceof ClusterError || signal?.aborted) return reject(cause);
      const text = `no peer answers at ${host}:${port} (${cause.message})`;
      reject(new ClusterError("unavailable", text, { cause }));
    };
    const timer = setTimeout(() => fail(new Error(`nothing within ${limitMs} ms`)), limitMs);
    const abort = () => fail(signal?.reason as Error);
    const closed = () => fail(new Error("the connection was closed"));
    const ready = () => {
      finish();
      // Until the socket is taken over, an error would have no listener.
      socket.on("error", () => {});
      resolve(socket);
    };
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      socket.off("error", fail).off("close", closed).off(event, ready);
    };
    signal?.addEventListener("abort", abort, { once: true });
    socket.once("error", fail).once("close", closed).once(event, ready);
  });
}
