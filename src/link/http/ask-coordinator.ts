/** Asks one coordinator whether it leads. Apart, since web pages do it in another way
 *  (`client/browser/ask-coordinator.ts`). */
import { request as tlsRequest } from "node:https";
import { Agent, request } from "../node-http.ts";
import { answerMs, healthPath, knownMax, type LeaderAnswer } from "./asked.ts";
import { pinnedAgent } from "./pinned-agent.ts";

const answerMaxBytes = 64 * 1024;

/** Rejects when it does not answer. `fingerprint`: as that of `Coordinators`. */
export async function ask(
  url: string,
  fingerprint: string,
  signal: AbortSignal,
): Promise<LeaderAnswer> {
  const agent = url.startsWith("https:")
    ? pinnedAgent(url, fingerprint, { keepAlive: false })
    : new Agent({ keepAlive: false });
  const send = url.startsWith("https:") ? tlsRequest : request;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
  const { promise, resolve, reject } = Promise.withResolvers<LeaderAnswer>();
  const sent = send(new URL(healthPath, url), { agent, signal: limit }, (response) => {
    let text = "";
    response.setEncoding("utf8").on("error", reject);
    response.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > answerMaxBytes) response.destroy(new Error("too long"));
    });
    response.on("end", () => resolve(leaderAnswerOf(response.statusCode ?? 0, text)));
  });
  sent.on("error", reject).end();
  return promise;
}

function leaderAnswerOf(status: number, text: string): LeaderAnswer {
  try {
    const { coordinators, leader } = JSON.parse(text) as Record<string, unknown>;
    const mayGrow = Array.isArray(coordinators);
    const others = mayGrow ? coordinators.slice(0, knownMax) : [];
    return { leads: status === 200, mayGrow, named: [leader, ...others] };
  } catch {
    return { leads: false, mayGrow: false, named: [] };
  }
}

/** A timer that keeps no process alive. */
export function inBackground(call: () => void, ms: number): ReturnType<typeof setTimeout> {
  return setTimeout(call, ms).unref();
}
