/** Opens a TCP connection within a time limit, with errors that say what to do. */
import { connect, type Socket } from "node:net";
import { ClusterError } from "../../core/error.ts";

export type DialOptions = {
  /** Time limit, name lookup included, ms. */
  readonly timeoutMs: number;
  /** Aborts with its reason. */
  readonly signal?: AbortSignal;
};

/** The caller must destroy the socket. Rejects with `unavailable`. */
export async function dialTcp(
  { host, port }: { readonly host: string; readonly port: number },
  { timeoutMs, signal }: DialOptions,
): Promise<Socket> {
  signal?.throwIfAborted();
  const socket = connect({ host, port, noDelay: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  socket.once("connect", resolve).once("error", reject);
  try {
    await promise;
    return socket;
  } catch (cause) {
    socket.on("error", () => {}).destroy();
    signal?.throwIfAborted();
    throw unreachable(`${host}:${port}`, cause);
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", onAbort);
    socket.off("connect", resolve).off("error", reject);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "its name cannot be looked up now",
  EHOSTUNREACH: "there is no route to it",
  ENETUNREACH: "there is no route to it",
};

function unreachable(place: string, cause: unknown): ClusterError {
  const { code = "", message } = cause as { code?: string; message: string };
  const reason = reasons[code] ?? message;
  const text = `${place} cannot be reached, ${reason}; check host and port, and that it is running`;
  return new ClusterError("unavailable", text, { cause });
}

/** Whether a failed dial shows that nothing listens there, as opposed to a slow or unreachable
 *  host. */
export function isRefused(error: unknown): boolean {
  const { code } = ((error as Error | null)?.cause ?? {}) as { code?: string };
  return code === "ECONNREFUSED";
}
