/** Messages of the browser protocol to text and back. Strict about the four keys and their types,
 *  as the document is; unknown keys are ignored. */
import { ClusterError } from "../../core/error.ts";
import { type JsonValue, jsonText, parseJson } from "./json.ts";
import { isLegal } from "./legality.ts";
import {
  type BrowserAction,
  type BrowserBody,
  type BrowserMessage,
  browserLimits,
  type More,
  type Party,
  type TaskType,
  type Uid,
} from "./messages.ts";

type Fields = { readonly [name: string]: JsonValue };

const { depthMax, messageMaxBytes, textMax, urlMax, urlsMax } = browserLimits;
const speedMax = 2 ** 31 - 1;
const uidMin = -(2n ** 63n);
const uidMax = 2n ** 64n - 1n;

/** The message as text; keys in the document's order. */
export function encodeBrowser(
  body: BrowserBody,
  failure?: { readonly message: string; readonly ok?: boolean },
): string {
  const status = failure === undefined || failure.ok === true ? 1 : 0;
  const message = JSON.stringify((failure?.message ?? "").slice(0, textMax));
  const head = `{"status":${status},"message":${message},"action":"${body.action}"`;
  return `${head},"data":{${dataText(body)}}}`;
}

/** The fields in the document's order; a uid is written digit by digit. */
function dataText(body: BrowserBody): string {
  const parts: string[] = [];
  const put = (name: string, value: unknown) => {
    if (value === null || value === undefined) return;
    parts.push(`"${name}":${JSON.stringify(value)}`);
  };
  if ("type" in body) put("type", body.type);
  if ("uid" in body && body.uid !== null) parts.push(`"uid":${BigInt(body.uid)}`);
  if ("speed" in body) put("speed", body.speed);
  if ("tid" in body) put("tid", body.tid);
  if ("url" in body) put("url", body.url);
  if ("error" in body) put("error", body.error);
  // It may have been passed on from elsewhere, with whole numbers of any size.
  if ("more" in body && body.more !== null) {
    parts.push(`"more":${jsonText(body.more)}`);
  }
  return parts.join(",");
}

/** Throws `protocol-violated` for everything that the document does not allow from `from` to
 *  `to`. */
export function decodeBrowser(text: string, from: Party, to: Party): BrowserMessage {
  if (text.length > messageMaxBytes) throw wrong(`a message of ${text.length} characters`);
  const envelope = asFields(parseJson(text, depthMax), "the message");
  for (const key of ["status", "message", "action", "data"]) {
    if (!(key in envelope)) throw wrong(`the key "${key}" is missing`);
  }
  const { action, message, status } = envelope;
  if (status !== 0 && status !== 1) throw wrong("status is 0 or 1");
  if (typeof message !== "string") throw wrong("message is not a string");
  if (typeof action !== "string" || !isLegal(action, from, to)) {
    const name = typeof action === "string" ? `"${action.slice(0, 40)}"` : "that is not text";
    throw wrong(`the action ${name} may not come from a ${from}`);
  }
  const data = asFields(envelope.data ?? null, "data");
  const ok = status === 1;
  // A refusal names the action that it refuses, and has no other fields.
  const body = ok ? bodyOf(action, data, from) : refusedBody(action, data, from);
  return { ok, message: message.slice(0, textMax), body };
}

function refusedBody(action: BrowserAction, data: Fields, from: Party): BrowserBody {
  try {
    return bodyOf(action, data, from);
  } catch {
    if (action === "tracker") return { action, more: null };
    if (action === "connect") return { action, uid: null, speed: 1, more: null };
    throw wrong(`a failed ${action} without its fields`);
  }
}

function bodyOf(action: BrowserAction, data: Fields, from: Party): BrowserBody {
  // A uid is removed from messages to browsers; a uid that a browser sends is ignored.
  const named = from === "tracker" || (from === "gateway" && data.uid !== undefined);
  const uid = () => (named ? uidOf(data.uid) : null);
  const more = moreOf(data.more);
  switch (action) {
    case "connect":
      return { action, uid: uid(), speed: speedOf(data.speed), more };
    case "disconnect":
      return { action, uid: from === "browser" ? null : uidOf(data.uid) };
    case "error":
      return { action, uid: uid(), error: textOf(data.error), more };
    case "finish":
    case "task":
      return { action, uid: uid(), ...workOf(action, data), more };
    case "tracker":
    case "pong":
      return { action, more };
    case "ping":
      return { action };
    case "welcome":
      return { action, uid: uid(), more: more ?? {} };
    case "ack":
    case "abort":
      return { action, uid: uid(), tid: tidOf(data.tid) };
    case "note":
      return { action, uid: uidOf(data.uid), more: more ?? {} };
  }
}

function workOf(action: "task" | "finish", data: Fields) {
  const { tid, type, url } = data;
  if (type !== "m" && type !== "r") throw wrong('type is "m" or "r"');
  const urls = urlsOf(url);
  // A single address on one side: a map task reads one, a reduce task writes one.
  const single = (action === "task") === (type === "m");
  if (single && urls.length !== 1) throw wrong(`${urls.length} addresses instead of one`);
  return { type: type as TaskType, tid: tidOf(tid), url: urls };
}

/** A single address is read as a list of one. */
function urlsOf(value: JsonValue | undefined): string[] {
  const list = typeof value === "string" ? [value] : value;
  if (!Array.isArray(list)) throw wrong("url is not a list");
  if (list.length > urlsMax) throw wrong(`${list.length} addresses; at most ${urlsMax}`);
  return list.map((one) => {
    if (typeof one !== "string" || one.length > urlMax) throw wrong("an address is not a string");
    if (!isAddress(one)) throw wrong(`the address ${one.slice(0, 40)} is of an unsupported kind`);
    return one;
  });
}

/** http and https, with or without being named before host and port, and addresses relative to the
 *  gateway. Blanks in it are encoded by who fetches, as other letters are. */
function isAddress(text: string): boolean {
  if (/[\u0000-\u001f\u007f\\]/.test(text) || text.trim() !== text) return false;
  return /^https?:\/\//i.test(text) || !/^[^/?#]*:(?![0-9]{1,5}(\/|$))/.test(text);
}

/** Clamped: a browser may send any number, including 0. Where its clock is too coarse for the test,
 *  the infinite speed is null in JSON; rounded by `toFixed` it is digits in a text. */
function speedOf(sent: JsonValue | undefined): number {
  if (sent === null) return speedMax;
  const value = typeof sent === "string" && /^[0-9]{1,12}(\.[0-9]*)?$/.test(sent) ? +sent : sent;
  if (typeof value === "bigint") return value > 0n ? speedMax : 1;
  if (typeof value !== "number") throw wrong("speed is not a number");
  return Math.min(speedMax, Math.max(1, Math.floor(value)));
}

function tidOf(sent: JsonValue | undefined): number {
  const value = typeof sent === "string" && /^-?[0-9]{1,10}$/.test(sent) ? +sent : sent;
  if (typeof value !== "number" || (value | 0) !== value) throw wrong("tid is not a 32-bit number");
  return value;
}

function uidOf(value: JsonValue | undefined): Uid {
  const whole =
    typeof value === "bigint"
      ? value
      : typeof value === "number" && Number.isSafeInteger(value)
        ? BigInt(value)
        : typeof value === "string" && /^-?[0-9]{1,20}$/.test(value)
          ? BigInt(value)
          : null;
  if (whole === null || whole < uidMin || whole > uidMax) throw wrong("uid is not a 64-bit number");
  return String(whole);
}

function textOf(value: JsonValue | undefined): string {
  if (typeof value !== "string") throw wrong("error is not a string");
  return value.slice(0, textMax);
}

function moreOf(value: JsonValue | undefined): More | null {
  return value === undefined || value === null ? null : asFields(value, "more");
}

function asFields(value: JsonValue, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(`${what} is not an object`);
  }
  return value as Fields;
}

function wrong(what: string): ClusterError {
  return new ClusterError("protocol-violated", `bad message: ${what}`);
}
