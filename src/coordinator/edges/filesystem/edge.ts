/** The file system of the filesystem protocol: ZeroMQ in front, the coordinator's blobs and
 *  catalogue behind.
 *
 *  The protocol has no authentication: any client that reaches the port can read, write and
 *  remove. */
import { ClusterError } from "../../../core/error.ts";
import type { Listen } from "../../../link/listen.ts";
import type { Certificate } from "../../../link/tls/self-signed.ts";
import { openReplyServer, type ReplyServer } from "../../../link/zeromq/reply-server.ts";
import { advertisedHost } from "../../../peer/advertised.ts";
import { type Answering, answerQuestions } from "../../../peer/discovery.ts";
import { HashPool } from "../../../peer/hashing/pool.ts";
import { errorAnswer, okAnswer } from "../../../wire/filesystem/answers.ts";
import { decodeMessage, encodeMessage } from "../../../wire/filesystem/codec.ts";
import { requestBytesMax } from "../../../wire/filesystem/limits.ts";
import {
  databaseCalls,
  type FileRequest,
  parseRequest,
} from "../../../wire/filesystem/messages.ts";
import { fileNameOf } from "../../../wire/filesystem/names.ts";
import { mustLead, type Ownership } from "../../leading/answering.ts";
import type { Services } from "../../services.ts";
import { CallPool } from "./call-pool.ts";
import { appendBlock, resumeAppends } from "./calls/append.ts";
import { type CallContext, type CallLimits, defaultCallLimits } from "./calls/context.ts";
import { getData, putData } from "./calls/data.ts";
import { databaseCall } from "./calls/database.ts";
import { putJob, removeJob, stoppedJob } from "./calls/job.ts";
import { Databases } from "./store/databases.ts";
import { Files } from "./store/files.ts";
import { Offered } from "./store/offered.ts";
import { PeerFiles } from "./store/peer-files.ts";

export type FilesystemOptions = Partial<Listen> & {
  /** UDP port of discovery; default: the one after `port`. */
  readonly discoveryPort?: number;
  readonly limits?: Partial<CallLimits>;
  /** News for the operator, a line each. */
  readonly onNews?: (text: string) => void;
};

export type FilesystemParts = Pick<
  Services,
  "blobs" | "edge" | "loop" | "lowWater" | "members" | "sharedInputs" | "sweep" | "tickets"
> & {
  readonly dataDir: string;
  /** Where the coordinator listens. */
  readonly peerHost: string;
  /** The coordinator's; null when it has no TLS. */
  readonly certificate: Certificate | null;
  readonly onError: (error: unknown) => void;
};

export type FilesystemServing = Listen & {
  /** The address that existing programs are given. */
  readonly advertised: Listen;
  /** UDP; null = its port is in use. */
  readonly discoveryPort: number | null;
  /** A stored file, without its port; null = it has to be asked for there. */
  readonly near: (name: string) => AsyncIterable<Uint8Array> | null;
  close(): Promise<void>;
};

const defaultPort = 8080;
/** Requests at once on the main port. */
const requestsMax = 64;

export async function serveFilesystem(
  options: FilesystemOptions,
  parts: FilesystemParts,
): Promise<FilesystemServing> {
  const closers = new AsyncDisposableStack();
  const close = () => closers.disposeAsync();
  try {
    return await open(options, parts, { closers, close });
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  options: FilesystemOptions,
  parts: FilesystemParts,
  {
    close,
    closers,
  }: { readonly closers: AsyncDisposableStack; readonly close: () => Promise<void> },
): Promise<FilesystemServing> {
  const { host = "127.0.0.1", onNews = () => {}, port: wanted = defaultPort } = options;
  const limits = { ...defaultCallLimits, ...options.limits };
  const advertised = advertisedHost(host);
  const pool = new HashPool(1);
  closers.defer(() => pool.close());
  const files = new Files({ ...parts, pool });
  closers.defer(() => files.close());
  const offered = await openOffered(parts, files, onNews);
  closers.defer(() => offered.close());
  const onError = errorSink(parts.onError, onNews);
  const calls = new CallPool({ host, limits, onError });
  closers.defer(() => calls.close());
  const context: CallContext = {
    files,
    offered,
    databases: new Databases(parts.dataDir),
    peerFiles: new PeerFiles(parts.members, parts.sharedInputs),
    limits,
    answerOf: (port) => okAnswer({ ip: advertised, port: String(port) }),
  };
  await resumeAppends(context, onError);
  const server = await openMain({ host, port: wanted }, (request) =>
    answer(request, { calls, context, owner: parts.edge, onError: parts.onError }),
  );
  closers.defer(() => server.close());
  const { discoveryPort = wanted === 0 || wanted === 65_535 ? 0 : wanted + 1 } = options;
  const at = { host: advertised, port: server.port };
  const found = await openDiscovery({ host, port: discoveryPort }, at, onNews);
  if (found !== null) closers.defer(() => found.close());
  const place = { host, port: server.port, advertised: at, discoveryPort: found?.port ?? null };
  return { ...place, near: (name) => nearFile(name, files), close };
}

/** One that is being written has another content in a moment: that is for the port to say. */
function nearFile(url: string, files: Files): AsyncIterable<Uint8Array> | null {
  const name = fileNameOf(url);
  const stored = files.locks.isHeld(name) ? null : files.catalogue.find(name);
  return stored === null ? null : files.read(stored);
}

/** Peers reach its files where they reach the coordinator, and equally protected: with tickets, and
 *  by TLS where it has a certificate. */
function openOffered(
  parts: FilesystemParts,
  files: Files,
  onNews: (text: string) => void,
): Promise<Offered> {
  const host = parts.certificate === null ? "127.0.0.1" : parts.peerHost;
  return Offered.open({ ...parts, files, host, advertised: advertisedHost(host), onNews });
}

function openMain(
  at: Listen,
  answer: (request: Uint8Array) => Promise<Uint8Array>,
): Promise<ReplyServer> {
  const advice = { options: "--filesystem", free: "--filesystem 0" };
  return openReplyServer({ ...at, advice, requestMaxBytes: requestBytesMax, requestsMax, answer });
}

/** Without discovery existing programs must be given the address; it is no reason not to serve. */
async function openDiscovery(
  listen: Listen,
  at: Listen,
  onNews: (text: string) => void,
): Promise<Answering | null> {
  try {
    return await answerQuestions(listen, at);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    onNews(`the file system cannot be discovered by broadcast: ${error.text}`);
    return null;
  }
}

function errorSink(onError: (error: unknown) => void, onNews: (text: string) => void) {
  return (error: unknown) => {
    if (error instanceof ClusterError) onNews(`filesystem protocol: ${error.text}`);
    else onError(error);
  };
}

type Around = {
  readonly calls: CallPool;
  readonly context: CallContext;
  readonly owner: Ownership;
  readonly onError: (error: unknown) => void;
};

async function answer(frame: Uint8Array, around: Around): Promise<Uint8Array> {
  let name = "";
  try {
    const message = decodeMessage(frame);
    name = message.name;
    await mustLead(around.owner);
    return await perform(parseRequest(message), around);
  } catch (error) {
    if (error instanceof ClusterError) return refusal(name, error);
    around.onError(error);
    return encodeMessage("ERROR", {
      info: "a bug of the coordinator",
      type_error: "InternalError",
    });
  }
}

async function perform(request: FileRequest, { calls, context }: Around): Promise<Uint8Array> {
  if (request.call === "REMOVEJOB") return removeJob(request.job, context);
  if (request.call === "STOP") return stoppedJob(request.job, context);
  const step = await secondStep(request, context);
  return context.answerOf(await calls.begin(step));
}

function secondStep(
  request: Exclude<FileRequest, { call: "REMOVEJOB" | "STOP" }>,
  context: CallContext,
) {
  switch (request.call) {
    case "PUTDATA":
      return putData(request, context);
    case "GETDATA":
      return getData(request, context);
    case "PUTJOB":
      return putJob(request, context);
    case "APPENDBLOCK":
      return appendBlock(request, context);
    default:
      return databaseCall(request.call, request.job, context);
  }
}

/** In the words of deployed file systems, where they have some. */
function refusal(name: string, error: ClusterError): Uint8Array {
  if (error.code !== "not-found") return errorAnswer(error);
  if (name === "REMOVEJOB" || name === "STOP")
    return encodeMessage("ERROR", { info: "404: Job not found" });
  const isDatabase = databaseCalls.some((call) => call === name);
  return errorAnswer(error, isDatabase ? "FileNotFoundError" : "FileNotFound");
}
