/** Who may ask what of whom, what shows that it may, and how it is refused: the whole grammar of
 *  P4, a table for each channel. */
import { messageMaxBytes, paths } from "./data.ts";
import { manyMaxBytes } from "./many.ts";
import { refusalWords } from "./refusals.ts";
import { shuffleMaxBytes, shufflePaths } from "./shuffle.ts";

export type Refusal = readonly [status: number, message: string];

/** What a caller of the master shows: join: `genericToken`, a cluster token that may share or the
 *  token that the master was configured with · peer: `token`, from `register` · reader: the same,
 *  or a cluster token that may fetch, as `Authorization: Bearer`. */
export type Shown = "join" | "peer" | "reader";

type ControlRule = {
  readonly methods: readonly ("GET" | "POST")[];
  readonly shown: Shown;
  /** Besides those of `everyCall`, with their words. */
  readonly refusals: readonly Refusal[];
};

const invalid: Refusal = [400, "Invalid request"];
const invalidToken: Refusal = [401, "Invalid token"];
const mayNotFetch: Refusal = [403, "Token may not fetch files"];
const noFile: Refusal = [404, "File not found"];
/** Where a file is asked for the status is 401, as existing masters have it. */
const noPeer: Refusal = [404, refusalWords.peerUnknown];
const noPeer401: Refusal = [401, refusalWords.peerUnknown];

const post = { methods: ["POST"], shown: "peer" } as const;
const getOrPost = { methods: ["GET", "POST"], shown: "reader" } as const;

/** Calls of peers and readers to the master; one that is not in this table does not exist. */
export const control = {
  "/register": {
    ...post,
    shown: "join",
    refusals: [
      invalid,
      [400, refusalWords.nameTaken],
      invalidToken,
      [403, "Token may not share files"],
    ],
  },
  "/unregister": { ...post, refusals: [invalid, noPeer] },
  "/heartbeat": { ...post, refusals: [invalid, noPeer] },
  "/add_file": { ...post, refusals: [invalid, noPeer] },
  "/remove_file": { ...post, refusals: [invalid, noPeer, noFile] },
  "/files": { ...post, refusals: [invalid, noPeer] },
  "/get_files": { ...getOrPost, refusals: [invalid, invalidToken, mayNotFetch, noPeer] },
  "/get_file": {
    ...getOrPost,
    refusals: [invalid, noPeer401, invalidToken, mayNotFetch, noFile],
  },
  "/redeem": { ...post, refusals: [invalid, noPeer401, [401, "Invalid ticket"]] },
  "/get_many": {
    ...post,
    shown: "reader",
    refusals: [invalid, noPeer401, invalidToken, mayNotFetch],
  },
  "/redeem_many": { ...post, refusals: [invalid, noPeer401] },
} as const satisfies Readonly<Record<string, ControlRule>>;

export type ControlPath = keyof typeof control;

/** Refusals that every call can have; the words of a limit name it. */
export const everyCall: readonly Refusal[] = [
  [403, "Web pages may not call this"],
  [413, "A limit, which the message names"],
  [415, "Send application/json"],
  [429, "Too many wrong tokens; wait a minute"],
  [503, "The master cannot answer now; try again"],
];

/** Those that answer what is no call at all. */
const noCall: readonly Refusal[] = [
  [404, "Not found"],
  [405, "Method not allowed"],
  [408, "Request ended early"],
];
/** Their words say what the limit or the fault was. */
const worded = new Set([413, 503]);

export function isControlPath(path: string): path is ControlPath {
  return Object.hasOwn(control, path);
}

/** Whether the master may refuse this call so. A refusal of a call by the core (400) has the core's
 *  words. */
export function isLegalRefusal(path: string, status: number, message: string): boolean {
  const rule: ControlRule | null = isControlPath(path) ? control[path] : null;
  if (worded.has(status)) return true;
  const all = [...(rule?.refusals ?? [invalid]), ...everyCall, ...noCall];
  if (status === 400 && rule !== null) return true;
  return all.some(([one, words]) => one === status && words === message);
}

/** What a caller of a peer has to have: credential: a ticket or the secret of a link, as metadata,
 *  unless the owner admits all · credentials: one for each file, in the request · challenge: an
 *  answer of `challenge` that no `open` has used · session: what `open` answered. The last two are
 *  good on the connection on which they were given, and on no other. */
export type Needed = "nothing" | "credential" | "credentials" | "challenge" | "session";

type DataRule = {
  readonly needs: Needed;
  readonly answers: "one message" | "a stream";
  readonly requestMaxBytes: number;
};

const ofFiles = { requestMaxBytes: messageMaxBytes.request } as const;
const ofShuffle = { requestMaxBytes: shuffleMaxBytes.request } as const;

/** Calls between peers. `open` with a session asks again what the peer has by now, and needs no
 *  credential. */
export const data = {
  [paths.getFile]: { ...ofFiles, needs: "credential", answers: "one message" },
  [paths.open]: { ...ofFiles, needs: "credential", answers: "one message" },
  [paths.layer]: { ...ofFiles, needs: "session", answers: "a stream" },
  [paths.read]: { ...ofFiles, needs: "session", answers: "a stream" },
  [paths.readMany]: {
    requestMaxBytes: manyMaxBytes.request,
    needs: "credentials",
    answers: "a stream",
  },
  [shufflePaths.challenge]: { ...ofShuffle, needs: "nothing", answers: "one message" },
  [shufflePaths.open]: { ...ofShuffle, needs: "challenge", answers: "one message" },
  [shufflePaths.read]: { ...ofShuffle, needs: "session", answers: "a stream" },
} as const satisfies Readonly<Record<string, DataRule>>;
