/** Messages of the browser protocol from hostile members: to the gateway, to the tracker, inside
 *  `more`. */
import {
  parseConnect,
  parseError,
  parseFinish,
  parseNote,
} from "../../src/coordinator/edges/browser/claims.ts";
import { parseRefs } from "../../src/coordinator/edges/browser/runs.ts";
import { GatewaySession } from "../../src/gateway/gateway-session.ts";
import { gatewayLimits } from "../../src/gateway/options.ts";
import { decodeBrowser, encodeBrowser } from "../../src/wire/browser/codec.ts";
import { parseJson } from "../../src/wire/browser/json.ts";
import type { BrowserBody } from "../../src/wire/browser/messages.ts";
import type { Decoder } from "./decoders.ts";

const utf8 = (text: string) => Uint8Array.from(Buffer.from(text));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");

const more = {
  version: "1",
  session: "0f".repeat(16),
  token: "mrt_join_0a1b2c3d4e_x",
  worker: "",
  credential: "",
  name: "tab",
  slots: 3,
  kinds: [100],
  holding: [7, [8, "m", "j-1/0/5#2"]],
};
const bodies: readonly BrowserBody[] = [
  { action: "connect", uid: null, speed: 100, more },
  { action: "finish", uid: null, type: "m", tid: 7, url: ["/t/x/out/0", "/t/x/out/1"], more: null },
  { action: "error", uid: null, error: "out of memory", more: { tid: 7 } },
  { action: "pong", more: { logs: [], progress: [], started: [], paused: "" } },
  { action: "ping" },
];
const fromTracker: readonly BrowserBody[] = [
  { action: "tracker", more: { session: "c" } },
  { action: "task", uid: "9223372036854775807", type: "r", tid: 1, url: ["/a", "/b"], more: null },
  { action: "abort", uid: "5", tid: 1 },
];
const report = { kind: "returned", task: 1, attempt: 1, durationMs: 0 };
const claims = [
  more,
  { reports: [report] },
  { tid: 1, failure: { code: "user-error", message: "no" }, lostTasks: [1] },
  { logs: [[1, 2, "line"]], progress: [[1, 2, 3]], started: [1], paused: "hidden" },
];

/** The gateway survives any input, and what it passes on can be encoded. */
function intoGatewaySession(bytes: Uint8Array): void {
  const door = { anonymous: true };
  const board = new GatewaySession({ limits: gatewayLimits, door, firstUid: 1n });
  const caller = { remote: "fuzz", trackerProblem: null };
  for (const id of [1, 2]) board.opened(id, caller, 0);
  board.said(1, encodeBrowser({ action: "tracker", more: { session: "c" } }), 0);
  board.said(2, encodeBrowser(bodies[0] as BrowserBody), 0);
  for (const id of [2, 1]) board.said(id, text(bytes), 1);
  board.tick(60_000);
  board.closed(2, 60_000);
}

function anyClaim(bytes: Uint8Array): void {
  const value = parseJson(text(bytes), 32) as never;
  for (const parse of [parseConnect, parseFinish, parseError, parseNote]) {
    try {
      parse(value ?? {});
    } catch (error) {
      if ((error as { code?: string }).code !== "protocol-violated") throw error;
    }
  }
}

const violated = { wire: "browser", refusals: ["protocol-violated"] } as const;

export const browserDecoders: readonly Decoder[] = [
  {
    ...violated,
    name: "messages to the gateway",
    share: 0.4,
    samples: bodies.map((body) => utf8(encodeBrowser(body))),
    decode: (bytes) => decodeBrowser(text(bytes), "browser", "gateway"),
  },
  {
    ...violated,
    name: "messages of a tracker",
    share: 0.3,
    samples: fromTracker.map((body) => utf8(encodeBrowser(body))),
    decode: (bytes) => decodeBrowser(text(bytes), "tracker", "gateway"),
  },
  {
    ...violated,
    name: "the gateway's decisions",
    share: 0.1,
    samples: [...bodies, ...fromTracker].map((body) => utf8(encodeBrowser(body))),
    decode: intoGatewaySession,
  },
  {
    ...violated,
    name: "what tabs claim",
    share: 0.1,
    samples: claims.map((claim) => utf8(JSON.stringify(claim))),
    decode: anyClaim,
  },
  {
    ...violated,
    name: "names of attempts",
    share: 0.1,
    samples: [utf8("j-1/0/5#2,j-1/0/6#1")],
    decode: (bytes) => parseRefs(text(bytes)),
  },
];
