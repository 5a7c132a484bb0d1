/** Options of `tequio up` for the filesystem protocol, and what is printed about it. */
import { type Command, InvalidArgumentError } from "commander";
import type { Coordinator } from "../../../coordinator/coordinator.ts";
import type { FilesystemOptions } from "../../../coordinator/edges/filesystem/edge.ts";
import type { RegisterOptions } from "../../../coordinator/edges/filesystem/register/edge.ts";
import { ClusterError } from "../../../core/error.ts";
import { isLoopback, type Listen, parseListen } from "../../../link/listen.ts";
import { styled } from "../../screen.ts";

export type FilesystemFlags = {
  readonly filesystem?: Listen;
  readonly register?: Listen;
};

export function withFilesystem(command: Command): Command {
  return command
    .option(
      "--filesystem <place>",
      "also serve files by the filesystem protocol at this port or host:port, found by discovery " +
        "on the UDP port after it (no authentication; needs the package zeromq; usually 8080)",
      placeArgument,
    )
    .option(
      "--register <place>",
      "also serve its register at this port or host:port (no authentication; usually 9091)",
      placeArgument,
    );
}

/** `8080` is on this machine only. */
function placeArgument(text: string): Listen {
  try {
    return parseListen(/^\d{1,5}$/.test(text) ? `127.0.0.1:${text}` : text);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    throw new InvalidArgumentError("write it as 8080, or host:port as 10.0.0.2:8080");
  }
}

export function filesystemOptions(
  { filesystem, register }: FilesystemFlags,
  onNews: (text: string) => void,
): { filesystem?: FilesystemOptions; register?: RegisterOptions } {
  return {
    ...(filesystem === undefined ? {} : { filesystem: { ...filesystem, onNews } }),
    ...(register === undefined ? {} : { register }),
  };
}

/** Lines for `up`'s greeting; none without the protocol. */
export function filesystemLines({ filesystem, register }: Coordinator): string[] {
  const lines: string[] = [];
  if (filesystem !== null) {
    const { discoveryPort, host, port } = filesystem;
    const found = discoveryPort === null ? "" : `, discovery on UDP ${discoveryPort}`;
    lines.push(`file system  tcp://${host}:${port}${found}`, warning(host, "can change its files"));
  }
  if (register !== null) {
    const { host, port } = register;
    lines.push(`register     tcp://${host}:${port}`, warning(host, "can register workers"));
  }
  return lines;
}

function warning(host: string, can: string): string {
  const who = isLoopback(host) ? "everybody on this machine" : "EVERYBODY who reaches this port";
  const text = `WARNING: its protocol has no authentication: ${who} ${can}`;
  return `             ${styled(["bold", "red"], text)}`;
}
