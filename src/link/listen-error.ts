/** The error of a server that cannot listen, the same for all servers. */
import { ClusterError } from "../core/error.ts";

export type ListenAdvice = {
  /** The options that set the address, as `--listen`. */
  readonly options: string;
  /** How to have a free port chosen, as `--listen 127.0.0.1:0`. */
  readonly free: string;
};

/** Of `--listen host:port`, which most have. */
function listenAdvice(host: string): ListenAdvice {
  const shown = host.includes(":") ? `[${host}]` : host;
  return { options: "--listen", free: `--listen ${shown}:0` };
}

/** `conflict` for a port in use, else `bad-request`. */
export function listenError(
  cause: unknown,
  { host, port }: { readonly host: string; readonly port: number },
  { free, options }: ListenAdvice = listenAdvice(host),
): ClusterError {
  const { code = "" } = cause as { code?: string };
  const at = `port ${port} of ${host}`;
  if (code === "EADDRINUSE") {
    const text = `${at} is in use; stop what uses it, or let a free one be chosen: ${free}`;
    return new ClusterError("conflict", text, { cause });
  }
  const why = reasons[code] ?? code;
  const text = `cannot listen on ${at}: ${why}; give another with ${options}`;
  return new ClusterError("bad-request", text, { cause });
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "ports below 1024 are reserved for the administrator (EACCES)",
  EADDRNOTAVAIL: "this machine has no such address (EADDRNOTAVAIL)",
  ENOTFOUND: "this name cannot be resolved (ENOTFOUND)",
};
