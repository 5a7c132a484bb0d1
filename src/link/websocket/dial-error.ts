/** Turns failures of dialling into `ClusterError`s. Addresses are shown without path and
 *  secrets. */
import type { IncomingMessage } from "node:http";
import { ClusterError, type ErrorCode, isErrorCode } from "../../core/error.ts";

/** Limit on what is read of an error answer, bytes. */
const bodyMaxBytes = 64 * 1024;

/** An HTTP answer instead of an upgrade. Coordinators send code and text in JSON; other servers
 *  only a status. */
export async function httpRefusal(response: IncomingMessage, target: URL): Promise<ClusterError> {
  const told = refusalOf(await readBody(response));
  if (told !== null) return told;
  const status = response.statusCode ?? 0;
  const { code, next } = statusMeanings[status] ?? otherStatus(status);
  return new ClusterError(code, `${target.host} answered HTTP ${status}; ${next}`);
}

type Meaning = { readonly code: ErrorCode; readonly next: string };

const statusMeanings: Readonly<Record<number, Meaning>> = {
  400: { code: "bad-request", next: "check that it is a coordinator of this version" },
  401: { code: "unauthenticated", next: "give a token that is valid, see `tequio join --help`" },
  403: { code: "forbidden", next: "use a token whose role allows this" },
  404: { code: "not-found", next: "check the address: no coordinator answers at this path" },
  426: { code: "version-mismatch", next: "use the same version on both sides" },
  429: { code: "unavailable", next: "too many requests; try again later" },
};

function otherStatus(status: number): Meaning {
  if (status >= 500) return { code: "unavailable", next: "try again later" };
  if (status >= 300 && status < 400) {
    return { code: "bad-request", next: "redirects are not followed; use the final address" };
  }
  return { code: "protocol-violated", next: "check that a coordinator answers at this address" };
}

function refusalOf(body: string): ClusterError | null {
  let told: unknown;
  try {
    told = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof told !== "object" || told === null) return null;
  if (!("code" in told) || !isErrorCode(told.code)) return null;
  if (!("message" in told) || typeof told.message !== "string") return null;
  return new ClusterError(told.code, told.message.slice(0, 2000));
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
      sizeBytes += (chunk as Buffer).length;
      if (sizeBytes > bodyMaxBytes) break;
    }
  } catch {
    // Cut off: only the status is used.
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Any error of connecting, TLS or upgrade. */
export function dialError(error: unknown, target: URL): ClusterError {
  if (error instanceof ClusterError) return error;
  const at = target.host;
  const errno = errnoOf(error);
  const [code, text] = meaningOf(errno, at);
  const detail = error instanceof Error && code === "protocol-violated" ? `: ${error.message}` : "";
  return new ClusterError(code, text + detail, { cause: error });
}

function meaningOf(errno: string, at: string): readonly [ErrorCode, string] {
  switch (errno) {
    case "ECONNREFUSED":
      return ["unavailable", `nothing listens at ${at}; start it with \`tequio up\``];
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return ["unavailable", `the host name of ${at} is not known here; check the address`];
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return ["unavailable", `${at} cannot be reached (${errno}); check address and firewall`];
    case "ECONNRESET":
    case "EPIPE":
      return ["unavailable", `${at} closed the connection before it was open; try again`];
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return ["bad-request", `${at} does not speak TLS; try http:// or ws://`];
    case "ERR_INVALID_CHAR":
    case "ERR_INVALID_HTTP_TOKEN":
      return ["bad-request", "a header holds characters that HTTP forbids; copy the token again"];
  }
  if (/CERT|SIGNATURE|ERR_TLS/.test(errno)) {
    return [
      "unauthenticated",
      `the certificate of ${at} is not trusted (${errno}); join with the command that the ` +
        "coordinator printed, it pins the certificate",
    ];
  }
  return ["protocol-violated", `what answers at ${at} is no coordinator`];
}

function errnoOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
