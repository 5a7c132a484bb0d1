/** Requests and answers to bytes; `session.ts` reads them back. */
import {
  type ConnectedUser,
  type ConsoleRequest,
  type FileRequest,
  type Operation,
  type Outcome,
  resultByte,
} from "./messages.ts";
import { encodeStrings, fitsString } from "./strings.ts";

export type RequestForm = {
  /** Null = none is sent. */
  readonly dateTime: string | null;
  /** `LIST USERS` for peers that refuse `LIST_USERS`. Default "_". */
  readonly separator?: "_" | " ";
};

/** Throws `bad-request` for a string that the protocol cannot represent. */
export function encodeRequest(
  request: ConsoleRequest | FileRequest,
  { dateTime, separator = "_" }: RequestForm,
): Uint8Array {
  const operation = request.operation.replace("_", separator);
  const time = dateTime === null ? [] : [dateTime];
  return encodeStrings([operation, ...time, ...stringsOf(request)]);
}

function stringsOf(request: ConsoleRequest | FileRequest): string[] {
  switch (request.operation) {
    case "CONNECT":
      return [request.user, String(request.port)];
    case "PUBLISH":
      return [request.user, request.path, request.description];
    case "DELETE":
      return [request.user, request.path];
    case "LIST_CONTENT":
      return [request.user, request.remote];
    case "GET_FILE":
      return [request.path];
    default:
      return [request.user];
  }
}

export function encodeOutcome(operation: Operation, outcome: Outcome): Uint8Array {
  return Uint8Array.of(resultByte(operation, outcome));
}

/** The answer to LIST_USERS. Names that a string cannot hold are left out. */
export function encodeUsers(users: readonly ConnectedUser[]): Generator<Uint8Array, void> {
  const lines = users.map(({ name, host, port }) => [name, host, String(port)]);
  return encodeList(lines.filter((line) => line.every(fitsString)));
}

/** The answer to LIST_CONTENT. Names that a string cannot hold are left out. */
export function encodePaths(paths: readonly string[]): Generator<Uint8Array, void> {
  return encodeList(paths.filter(fitsString).map((path) => [path]));
}

/** Lines in one piece of an answer. */
const linesPerPiece = 256;

function* encodeList(lines: readonly (readonly string[])[]): Generator<Uint8Array, void> {
  yield Uint8Array.of(0, ...encodeStrings([String(lines.length)]));
  for (let at = 0; at < lines.length; at += linesPerPiece) {
    yield encodeStrings(lines.slice(at, at + linesPerPiece).flat());
  }
}

/** The bytes before the content of a file. */
export function encodeFileHead(sizeBytes: number): Uint8Array {
  return Uint8Array.of(0, ...encodeStrings([String(sizeBytes)]));
}
