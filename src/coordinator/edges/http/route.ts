/** The type of a route: which callers may use it, its body and its answer. The tables of routes are
 *  the whole API. */
import type { Action } from "../../../core/access/roles.ts";
import type { Principal } from "../../access/auth.ts";
import type { Services } from "../../services.ts";

/** none: no authentication · ticket: the one in the path opens it · any: every valid token · read,
 *  cancel: the owner of the job in the path, or a role that may do it with any job · a list: one of
 *  these actions. */
export type Access = "none" | "ticket" | "any" | "read" | "cancel" | readonly Action[];

/** Whether the caller presents a token; if not, the route's own code authorizes the call. */
export function takesToken(access: Access): boolean {
  return access !== "none" && access !== "ticket";
}

export type Call = {
  readonly services: Services;
  /** Absent only when no token is presented; see `takesToken`. */
  readonly principal: Principal;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON, or the stream of a `bytes` route. */
  readonly body: unknown;
  /** Aborted when the caller is gone or the coordinator stops. */
  readonly signal: AbortSignal;
};

export type Answer =
  | { readonly kind: "json"; readonly value: unknown }
  | {
      readonly kind: "bytes";
      readonly status: 200 | 206;
      readonly headers: Readonly<Record<string, string>>;
      /** Null for HEAD. */
      readonly stream: AsyncIterable<Uint8Array> | Uint8Array | null;
    }
  /** NDJSON that may be long in coming: the head of the answer is sent at once. */
  | { readonly kind: "live"; readonly stream: AsyncIterable<Uint8Array> }
  /** NDJSON in two pieces: one at once, one when it is there; none when `rest` becomes null. */
  | {
      readonly kind: "lines";
      readonly first: Uint8Array;
      readonly rest: Promise<Uint8Array | null>;
    };

export type Route = {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly access: Access;
  /** Body → answer, for docs/http-api.md. */
  readonly exchange: string;
  /** Default: JSON for POST, none for the others. */
  readonly body?: "bytes";
  handle(call: Call): Promise<Answer> | Answer;
};

export function json(value: unknown): Answer {
  return { kind: "json", value };
}

export function ndjson(stream: AsyncIterable<Uint8Array> | Uint8Array): Answer {
  const headers = { "content-type": "application/x-ndjson" };
  return { kind: "bytes", status: 200, headers, stream };
}

/** The access column of the documents. */
export function accessText(access: Access): string {
  if (access === "none") return "(none)";
  if (access === "any") return "any role";
  if (access === "ticket") return "the ticket in the path";
  return typeof access === "string" ? access : access.join(", ");
}
