/** The messages of p4.proto between peers, and the paths of its calls.
 *
 *  | call | from → to | at most | answered by |
 *  | --- | --- | --- | --- |
 *  | /Greeter/getFile | requester → owner | a name of 4 KiB | the whole file, up to 4 MiB |
 *  | /Files/open | requester → owner | 5 KiB | session, size, layer, pieces that are there |
 *  | /Files/layer | requester → owner | 1 KiB | piece hashes, 1 MiB a message |
 *  | /Files/read | requester → owner | 64 KiB | the pieces asked for, one a message |
 *  | /Files/readMany | requester → owner | 512 KiB | small files (`many.ts`), many a message | */

import { ProtobufReader } from "../protobuf/reader.ts";
import { bool, bytes, message, messageList, type Schema, text, uint } from "../protobuf/schema.ts";
import { ProtobufWriter } from "../protobuf/writer.ts";
import { hashBytes, pieceMaxBytes } from "./merkle.ts";
import * as n from "./numbers.ts";

export const paths = {
  getFile: "/Greeter/getFile",
  open: "/Files/open",
  layer: "/Files/layer",
  read: "/Files/read",
  readMany: "/Files/readMany",
} as const;

/** The default limit of a gRPC receiver, which existing peers never raised: 4 MiB. */
export const wholeFileMaxBytes = 4 * 1024 * 1024;
export const nameMaxBytes = 4096;
const sessionMaxBytes = 64;
const hostMaxBytes = 64;
/** Runs of pieces in one message. */
export const runsMax = 4096;
/** Largest layer inside an `openAnswer`; it is the whole one of all files below 1 GiB. */
export const layerInlineMaxBytes = 32 * 1024;
/** Hashes in one `layerAnswer`, in bytes. */
export const layerPartBytes = 1024 * 1024;
/** Largest message of each kind, with room for the heads of its fields. */
export const messageMaxBytes = {
  request: 128 * 1024,
  openAnswer: 256 * 1024,
  layerAnswer: layerPartBytes + 64,
  readAnswer: pieceMaxBytes + 64,
} as const;

export type FileRequest = { readonly filePath: string };
export type PieceRun = { readonly first: number; readonly count: number };
export type OpenRequest = {
  readonly fileName: string;
  readonly root: Uint8Array;
  readonly session: Uint8Array;
  /** Machine of the requester; "" = not given. */
  readonly host: string;
};
export type OpenAnswer = {
  readonly session: Uint8Array;
  readonly fileName: string;
  readonly root: Uint8Array;
  readonly sizeBytes: number;
  readonly pieceBytes: number;
  readonly layer: Uint8Array;
  readonly have: readonly PieceRun[];
  readonly expiresS: number;
  /** Path of the file, for a requester on the same machine; "" otherwise. */
  readonly path: string;
} & FileAttributes;

/** What a file has besides name and content; no root covers it. */
export type FileAttributes = {
  /** Microseconds since the epoch; 0 = not known. */
  readonly modifiedUs: number;
  readonly isExecutable: boolean;
};
export type LayerRequest = { readonly session: Uint8Array; readonly firstPiece: number };
export type LayerAnswer = { readonly hashes: Uint8Array };
export type ReadRequest = { readonly session: Uint8Array; readonly runs: readonly PieceRun[] };
export type ReadAnswer = { readonly piece: number; readonly content: Uint8Array };

export const fileRequest = message<FileRequest>({
  filePath: text(n.fileRequest.filePath, nameMaxBytes),
});

export const pieceRun = message<PieceRun>({
  first: uint(n.pieceRun.first),
  count: uint(n.pieceRun.count),
});

export const openRequest = message<OpenRequest>({
  fileName: text(n.openRequest.fileName, nameMaxBytes),
  root: bytes(n.openRequest.root, hashBytes),
  session: bytes(n.openRequest.session, sessionMaxBytes),
  host: text(n.openRequest.host, hostMaxBytes),
});

export const openAnswer = message<OpenAnswer>({
  session: bytes(n.openAnswer.session, sessionMaxBytes),
  fileName: text(n.openAnswer.fileName, nameMaxBytes),
  root: bytes(n.openAnswer.root, hashBytes),
  sizeBytes: uint(n.openAnswer.sizeBytes),
  pieceBytes: uint(n.openAnswer.pieceBytes),
  layer: bytes(n.openAnswer.layer, layerInlineMaxBytes),
  have: messageList(n.openAnswer.have, pieceRun, runsMax),
  expiresS: uint(n.openAnswer.expiresS),
  path: text(n.openAnswer.path, nameMaxBytes),
  modifiedUs: uint(n.openAnswer.modifiedUs),
  isExecutable: bool(n.openAnswer.isExecutable),
});

export const layerRequest = message<LayerRequest>({
  session: bytes(n.layerRequest.session, sessionMaxBytes),
  firstPiece: uint(n.layerRequest.firstPiece),
});

export const layerAnswer = message<LayerAnswer>({
  hashes: bytes(n.layerAnswer.hashes, layerPartBytes),
});

export const readRequest = message<ReadRequest>({
  session: bytes(n.readRequest.session, sessionMaxBytes),
  runs: messageList(n.readRequest.runs, pieceRun, runsMax),
});

export function encode<T extends object>(schema: Schema<T>, value: T, sizeMaxBytes: number) {
  const writer = new ProtobufWriter(sizeMaxBytes);
  schema.write(writer, value);
  return writer.finish();
}

export function decode<T extends object>(schema: Schema<T>, message: Uint8Array): T {
  return schema.read(new ProtobufReader(message));
}

/** `fileBytes` as two parts, the second being the content itself. */
export function fileBytesParts(content: Uint8Array): Uint8Array[] {
  return [lengthHead(n.fileBytes.fileBytes, content.length), content];
}

/** The content of a `fileBytes`, a view into the message. */
export function fileBytesOf(message: Uint8Array, maxBytes: number): Uint8Array {
  return contentOf(new ProtobufReader(message), { number: n.fileBytes.fileBytes, maxBytes })
    .content;
}

/** `readAnswer` as two parts, the second being the content itself. */
export function readAnswerParts({ piece, content }: ReadAnswer): Uint8Array[] {
  const writer = new ProtobufWriter(64);
  if (piece !== 0) writer.uint(n.readAnswer.piece, piece);
  const head = writer.finish();
  const length = lengthHead(n.readAnswer.content, content.length);
  const whole = new Uint8Array(head.length + length.length);
  whole.set(head);
  whole.set(length, head.length);
  return [whole, content];
}

/** A `readAnswer` whose content is a view into the message. */
export function readAnswerOf(message: Uint8Array): ReadAnswer {
  return contentOf(new ProtobufReader(message), {
    number: n.readAnswer.content,
    maxBytes: pieceMaxBytes,
  });
}

function contentOf(
  reader: ProtobufReader,
  field: { readonly number: number; readonly maxBytes: number },
): ReadAnswer {
  let piece = 0;
  let content: Uint8Array = new Uint8Array(0);
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number === field.number) content = reader.view(field.maxBytes);
    else if (number === n.readAnswer.piece) piece = reader.uint();
    else reader.skip();
  }
  return { piece, content };
}

/** Key and length of a bytes field; nothing for empty bytes, as in proto3. */
function lengthHead(number: number, length: number): Uint8Array {
  if (length === 0) return new Uint8Array(0);
  const head = [number * 8 + 2];
  let rest = length;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) head.push((rest % 128) | 0x80);
  head.push(rest);
  return Uint8Array.from(head);
}
