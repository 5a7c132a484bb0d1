/** The messages of /Files/readMany: many small files in one call, whole, several in one message. A
 *  file that cannot be sent has a problem instead of content; the others come all the same. */
import { bool, bytes, message, messageList, text, uint } from "../protobuf/schema.ts";
import { type FileAttributes, nameMaxBytes } from "./data.ts";
import { hashBytes } from "./merkle.ts";
import * as n from "./numbers.ts";

/** Largest file of such a call; larger ones are read by pieces. */
export const smallFileMaxBytes = 256 * 1024;
/** Files in one request, and so in one answer. */
export const filesPerCallMax = 1024;
/** Content of one answer: files are added until it would have more. */
export const manyContentMaxBytes = 1024 * 1024;
export const credentialMaxBytes = 512;
export const problemMaxBytes = 1024;
/** Largest message of each kind, with room for the heads of its fields. */
export const manyMaxBytes = {
  request: 512 * 1024,
  answer: manyContentMaxBytes + filesPerCallMax * (problemMaxBytes + 64),
} as const;

export type WantedFile = {
  /** As its owner calls it: which attributes are meant, when files have the same content. */
  readonly fileName: string;
  readonly root: Uint8Array;
  /** A ticket for this file, or the secret of a link; "" = none. */
  readonly credential: string;
};

export type WholeFile = FileAttributes & {
  readonly index: number;
  /** When received: a view into the message. */
  readonly content: Uint8Array;
  /** Why there is no content; "" = there is. */
  readonly problem: string;
};

const wantedFile = message<WantedFile>({
  fileName: text(n.wantedFile.fileName, nameMaxBytes),
  root: bytes(n.wantedFile.root, hashBytes),
  credential: text(n.wantedFile.credential, credentialMaxBytes),
});

const content = bytes(n.wholeFile.content, smallFileMaxBytes);

const wholeFile = message<WholeFile>({
  index: uint(n.wholeFile.index),
  content: { ...content, read: (reader) => reader.view(smallFileMaxBytes) },
  modifiedUs: uint(n.wholeFile.modifiedUs),
  isExecutable: bool(n.wholeFile.isExecutable),
  problem: text(n.wholeFile.problem, problemMaxBytes),
});

export const readManyRequest = message<{ readonly files: readonly WantedFile[] }>({
  files: messageList(n.readManyRequest.files, wantedFile, filesPerCallMax),
});

export const readManyAnswer = message<{ readonly files: readonly WholeFile[] }>({
  files: messageList(n.readManyAnswer.files, wholeFile, filesPerCallMax),
});
