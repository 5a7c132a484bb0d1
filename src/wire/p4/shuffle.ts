/** The messages of the service Shuffle of p4.proto: transfers of partitions between workers; and
 *  the addresses of workers for it.
 *
 *  | call | from → to | at most | answered by |
 *  | --- | --- | --- | --- |
 *  | /Shuffle/challenge | requester → source | nothing | 32 bytes, good for one `open` |
 *  | /Shuffle/open | requester → source | 1 KiB | a session of this connection |
 *  | /Shuffle/read | requester → source | 1 KiB | a manifest or a partition, 1 MiB a message | */
import { bytes, message, text, uint } from "../protobuf/schema.ts";
import * as n from "./numbers.ts";
import { parseAddress } from "./share-link.ts";

export const shufflePaths = {
  challenge: "/Shuffle/challenge",
  open: "/Shuffle/open",
  read: "/Shuffle/read",
} as const;

export const challengeBytes = 32;
export const proofBytes = 32;
const idMaxBytes = 64;
/** Content of one message; the last one of an answer has the rest. */
export const partMessageBytes = 1024 * 1024;
/** Largest message of each kind, with room for the heads of its fields. */
export const shuffleMaxBytes = {
  request: 1024,
  answer: 1024,
  part: partMessageBytes + 16,
} as const;

export type ChallengeAnswer = { readonly challenge: Uint8Array };
export type OpenStageRequest = {
  readonly job: string;
  readonly stage: number;
  readonly requester: string;
  /** When its ticket expires, by the coordinator's clock. */
  readonly expiresMs: number;
  readonly challenge: Uint8Array;
  readonly proof: Uint8Array;
};
export type OpenStageAnswer = { readonly session: Uint8Array };
export type ReadPartRequest = {
  readonly session: Uint8Array;
  readonly task: number;
  readonly attempt: number;
  /** 0 = the manifest, n + 1 = partition n. */
  readonly part: number;
};

export const challengeAnswer = message<ChallengeAnswer>({
  challenge: bytes(n.challengeAnswer.challenge, challengeBytes),
});

export const openStageRequest = message<OpenStageRequest>({
  job: text(n.openStageRequest.job, idMaxBytes),
  stage: uint(n.openStageRequest.stage),
  requester: text(n.openStageRequest.requester, idMaxBytes),
  expiresMs: uint(n.openStageRequest.expiresMs),
  challenge: bytes(n.openStageRequest.challenge, challengeBytes),
  proof: bytes(n.openStageRequest.proof, proofBytes),
});

export const openStageAnswer = message<OpenStageAnswer>({
  session: bytes(n.openStageAnswer.session, challengeBytes),
});

export const readPartRequest = message<ReadPartRequest>({
  session: bytes(n.readPartRequest.session, challengeBytes),
  task: uint(n.readPartRequest.task),
  attempt: uint(n.readPartRequest.attempt),
  part: uint(n.readPartRequest.part),
});

export type ExchangeAddress = {
  readonly host: string;
  readonly port: number;
  /** SHA-256 of the worker's certificate, hex; "" = no TLS, on one machine only. */
  readonly fingerprint: string;
};

const pattern = /^(?:grpc:\/\/([^/\s]{1,300})|grpcs:\/\/([^/\s]{1,300})\/([0-9a-f]{64}))$/;

/** `grpc://127.0.0.1:4321`, or with TLS `grpcs://10.0.0.5:4321/<fingerprint>`. */
export function exchangeText({ host, port, fingerprint }: ExchangeAddress): string {
  const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return fingerprint === "" ? `grpc://${place}` : `grpcs://${place}/${fingerprint}`;
}

/** Null when it is malformed. */
export function parseExchange(address: string): ExchangeAddress | null {
  const parts = pattern.exec(address);
  if (parts === null) return null;
  try {
    return { ...parseAddress(parts[1] ?? parts[2]!), fingerprint: parts[3] ?? "" };
  } catch {
    return null;
  }
}
