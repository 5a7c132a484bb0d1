/** The HTTP API of the coordinator, for clients, the CLI and workers. JSON bodies, `Authorization:
 *  Bearer`.
 *
 *  | call | body → answer | action |
 *  | --- | --- | --- |
 *  | GET /v1/health | → Health | (none) |
 *  | POST /v1/blobs | bytes → BlobPut; checks `x-content-sha256` | submit, work |
 *  | POST /v1/small-blobs | SmallBlobs → { hashes }, in their order | submit |
 *  | POST /v1/missing-blobs | { hashes } → { missing } | submit |
 *  | GET /v1/uploads/:hash?sizeBytes= | → UploadState | submit |
 *  | PUT /v1/uploads/:hash?sizeBytes=&start= | bytes → {}; checks `x-content-sha256` | submit |
 *  | POST /v1/uploads/:hash?sizeBytes= | {} → BlobPut | submit |
 *  | GET, HEAD /v1/blobs/:hash | → bytes, `Range: bytes=a-b` honoured | any role |
 *  | GET /v1/blobs/:hash/address | → BlobAddress; 404: in no object store | read |
 *  | POST /v1/jobs | Submit → Submitted; `?arriving=1`: input files may follow | submit |
 *  | GET /v1/jobs | → { jobs: JobSummary[], total, removed: RemovedSummary[] } | read |
 *  | GET /v1/jobs/:job | → JobSummary | read |
 *  | GET /v1/jobs/:job/watch | → NDJSON of JobSummary: at once, on change, when ended | read |
 *  | POST /v1/jobs/:job/cancel | {} → JobSummary | cancel |
 *  | POST /v1/jobs/:job/recheck | {} → Submitted: its doubtful tasks as a new job | cancel |
 *  | DELETE /v1/jobs/:job | → Removed (only an ended job) | cancel |
 *  | POST /v1/jobs/:job/fetched | {} → {}; the caller has the whole result | read |
 *  | GET /v1/jobs/:job/output | → Output (409 while running) | read |
 *  | GET /v1/jobs/:job/results | → NDJSON, a result of `tasks` a line, in order | read |
 *  | GET /v1/jobs/:job/logs?follow=1 | → NDJSON of LogLine | read |
 *  | GET /v1/jobs/:job/attempts?after= | → Attempts | read |
 *  | GET /v1/jobs/:job/why?stage=&task= | → Why | read |
 *  | GET /v1/jobs/:job/history?stage=&task= | → TaskHistory | read |
 *  | POST /v1/jobs/:job/profiles | TaskProfile → ProfileKept | cancel |
 *  | GET /v1/jobs/:job/profiles | → Profiles | read |
 *  | GET /v1/jobs/:job/graph | → JobGraph | read |
 *  | GET /v1/jobs/:job/spec | → JobSpec, to submit it again | read |
 *  | GET /v1/jobs/:job/input/:file | → bytes of a plan's file, Range honoured | work |
 *  | GET /shuffle/:job/:stage/:task/:attempt/:what | → a kept partition | work |
 *  | GET /shuffle/reach | → Reached | work |
 *  | GET /shuffle/leaving | → NeededOutputs | work |
 *  | GET /shuffle/:job/:stage/sources | → StageSources | work |
 *  | GET /shuffle/:job/:stage/:task/:attempt/upload?sizeBytes= | → UploadAddress | work |
 *  | GET /shuffle/:job/:stage/addresses?from= | → StoredAddresses | work |
 *  | PUT /shuffle/:job/:stage/:task/:attempt/:what | manifest, then run → { root } | work |
 *  | GET /t/:ticket/code | → the job's bundle, for a browser | ticket |
 *  | GET /t/:ticket/plan | → the job's plan | ticket |
 *  | GET /t/:ticket/progress | → JobProgress | ticket |
 *  | GET /t/:ticket/file/:file | → bytes of a plan's file, Range honoured | ticket |
 *  | GET /t/:ticket/in/:part | → what the task reads | ticket |
 *  | PUT /t/:ticket/:what | manifest, then run; or part, bad | ticket |
 *  | PUT, POST /t/:ticket/out/:part | NDJSON of pairs, or the result → { url } | ticket |
 *  | GET /programs/:job/:ticket | → the WebAssembly module of the job | ticket |
 *  | GET /metrics | → the text of Prometheus | read-any |
 *  | GET /v1/workers | → { workers: WorkerSummary[] } | read-workers |
 *  | GET /v1/workers/:worker | → WorkerView | read-workers |
 *  | GET /v1/workers/:worker/why | → Why | read-workers |
 *  | GET /v1/cluster | → ClusterView | read-workers |
 *  | GET /v1/me | → Me | any role |
 *  | GET /v1/shared-inputs?name= | → { files: SharedInput[] } | fetch-shared |
 *  | GET /v1/files?find= | → SharedFiles | fetch-shared |
 *  | GET /v1/members | → { atMs, members: MemberSummary[] } | fetch-shared |
 *  | DELETE /v1/members/:name | → {} | remove-members |
 *  | POST /v1/tokens | TokenRequest → TokenAnswer | manage-tokens |
 *  | GET /v1/tokens | → { tokens: TokenView[] } | manage-tokens |
 *  | DELETE /v1/tokens/:id | → TokenRevoked | manage-tokens |
 *  | POST /v1/shutdown | { handOver? } → Stopped; with it, only if another stands by | shutdown |
 *  | WebSocket /balthazar/worker/0.3.1 | manager protocol, binary frames | work |
 *
 *  Every failure is `ApiError` with the status of `httpStatus`. */

import type { Action, Role } from "../../core/access/roles.ts";
import type { ErrorCode } from "../../core/error.ts";
import type { AttemptRef } from "../../core/ids.ts";
import type { JobSpec, JobState } from "../../core/job.ts";

export type Health = {
  readonly ok: true;
  readonly version: string;
  readonly epoch: number;
  readonly host: string;
  /** Addresses of coordinators that stand by; absent when none can: the log lies in a file. */
  readonly coordinators?: readonly string[];
};

/** A coordinator that was asked to end. */
export type Stopped = {
  /** Where those are that stand by: one of them leads from now on. */
  readonly coordinators: readonly string[];
};

/** The caller's identity and rights. */
export type Me = {
  readonly role: Role;
  readonly owner: string;
  readonly may: readonly Action[];
  readonly version: string;
  /** The URL at which other machines reach this coordinator, as `https://192.0.2.7:7070`; "" = they
   *  cannot. */
  readonly openUrl: string;
  /** Its certificate is made by itself, so browsers warn of it; absent at older coordinators. */
  readonly hasOwnCertificate?: boolean;
};

/** Files that members share, by name; at most 1,000 names, with `more` when there are others. */
export type SharedFiles = {
  readonly files: ReadonlyArray<{
    readonly name: string;
    /** Null when no member reports it. */
    readonly sizeBytes: number | null;
    /** Members that offer it now. */
    readonly holders: readonly string[];
  }>;
  readonly more: boolean;
};

/** A shared file as a job reads it, as `?name=` stands for it now. */
export type SharedInput = {
  readonly name: string;
  readonly root: string;
  readonly sizeBytes: number;
  /** A machine with a worker where a member shares the file; "" = none is known. */
  readonly host: string;
};

/** Of `GET /shuffle/reach`: whether the coordinator can connect to the calling worker. */
export type Reached = { readonly isReached: boolean };

/** Of `GET /shuffle/leaving`: outputs that would be lost with the calling worker, those first whose
 *  loss costs most. None = it may go; more may follow those that are named. */
export type NeededOutputs = { readonly outputs: readonly AttemptRef[] };

/** For one PUT of the asked size into the object store, until it expires. */
export type UploadAddress = { readonly url: string };

/** Where outputs of a stage lie in the object store. */
export type StoredAddresses = {
  /** Task of the first. */
  readonly from: number;
  /** How long they are valid, ms. */
  readonly forMs: number;
  /** Null: this output is not in the store, or not now. */
  readonly addresses: ReadonlyArray<readonly [attempt: number, url: string] | null>;
};

/** For GETs of ranges of a blob in the object store. */
export type BlobAddress = {
  readonly url: string;
  /** How long it is valid, ms. */
  readonly forMs: number;
};

export type Submit = {
  /** At most 200 characters; the same key and body give the same job again. */
  readonly key: string | null;
  readonly spec: JobSpec;
};
export type Submitted = {
  readonly job: string;
  /** The key has named this job before; absent when it is new, and at older coordinators. */
  readonly existed?: true;
};

/** Of a job that was removed: what its blobs took that no other job names. */
export type Removed = {
  readonly freedBlobs: number;
  readonly freedBytes: number;
  /** Of its blobs that stay, since other jobs or files name them; absent at older coordinators. */
  readonly sharedBytes?: number;
  /** Of those that are read now or may be about to be named, and go with that; likewise. */
  readonly laterBytes?: number;
};

export type OutputPart = {
  readonly task: number;
  /** Blob hash; "" when the part is empty. */
  readonly hash: string;
  readonly sizeBytes: number;
  readonly records: number;
};
export type Output = {
  readonly parts: readonly OutputPart[];
  /** Blobs of NDJSON with records set aside, in task order. */
  readonly badRecords: readonly string[];
};

/** For a tab that has a task of the job. */
export type JobProgress = {
  readonly state: JobState;
  /** Tasks of all stages. */
  readonly done: number;
  readonly taskCount: number;
};

export type LogLine = {
  readonly atMs: number;
  readonly task: string;
  readonly line: string;
};

export type TokenRequest = {
  readonly role: Role;
  readonly owner: string;
  /** 0 = never expires. */
  readonly ttlMs: number;
  /** Joins allowed; 0 = any number. */
  readonly usesMax: number;
};
export type TokenAnswer = {
  readonly id: string;
  readonly token: string;
  /** The short form of a join token; absent of others, and at older coordinators. */
  readonly code?: string;
};
export type TokenView = {
  readonly id: string;
  readonly role: Role;
  readonly owner: string;
  readonly expiresAtMs: number;
  readonly usesMax: number;
  readonly uses: number;
  readonly revoked: boolean;
};

export type TokenRevoked = {
  /** Ids of the workers and tabs that joined with this token: revoked with it on request, else they
   *  stay. */
  readonly members: readonly string[];
};

/** Beginning of the message of `unavailable` while a coordinator replays its log: the client should
 *  wait. */
export const startingText = "the coordinator is starting";

export type ApiError = {
  readonly code: ErrorCode;
  /** Without the code. */
  readonly message: string;
  readonly retryable: boolean;
  /** Of a coordinator that stands by: the address of the one that leads. */
  readonly leader?: string;
};

/** Several blobs in one call, as base64. */
export type SmallBlobs = { readonly blobs: readonly string[] };

/** Of one such call: blobs, and bytes of each. */
export const smallBlobsMax = 16;
export const smallBlobMaxBytes = 256 * 1024;

/** Names of blobs in one call that asks which are missing. */
export const missingBlobsMax = 1_000;

/** How far an upload in ranges is. */
export type UploadState = {
  /** It is a blob already. */
  readonly isStored: boolean;
  /** The first of the ranges that have not arrived, in order; empty when it is stored, or can be
   *  finished. */
  readonly missing: ReadonlyArray<readonly [start: number, end: number]>;
  /** Of which the start of each range is a multiple; absent: 256 KiB, from an older coordinator. */
  readonly unitBytes?: number;
};

/** Ranges of one `UploadState`. */
export const uploadRangesMax = 1_000;

/** Bytes of the JSON body of a call. */
export const jsonBodyMaxBytes = 8 * 1024 * 1024;

export const httpStatus: Readonly<Record<ErrorCode, number>> = {
  "bad-request": 400,
  "build-failed": 400,
  unauthenticated: 401,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  "limit-exceeded": 413,
  "storage-full": 507,
  "storage-failed": 500,
  fenced: 409,
  "version-mismatch": 426,
  "protocol-violated": 400,
  unavailable: 503,
  "user-error": 422,
  "task-crashed": 422,
  "out-of-memory": 422,
  "timed-out": 422,
  "download-failed": 502,
  "data-lost": 410,
  nondeterministic: 422,
};
