/** Pings: a port that answers every message with OK is how trackers and executors of tasks say that
 *  they are there. */
import { ClusterError } from "../core/error.ts";
import type { Listen } from "../link/listen.ts";
import { openReplyServer } from "../link/zeromq/reply-server.ts";
import { type AskOptions, askOnce } from "../link/zeromq/request.ts";
import { okAnswer } from "../wire/filesystem/answers.ts";
import { decodeMessage, encodeMessage } from "../wire/filesystem/codec.ts";
import { requestBytesMax } from "../wire/filesystem/limits.ts";

export type PingPort = { readonly port: number; close(): Promise<void> };

const requestsMax = 16;

/** At this port when it is free, else at one that the system picks. */
export async function openPingPort({ host, port }: Listen): Promise<PingPort> {
  const answer = async () => okAnswer();
  const open = (at: number) =>
    openReplyServer({ host, port: at, requestMaxBytes: requestBytesMax, requestsMax, answer });
  try {
    return await open(port);
  } catch (error) {
    if (port === 0 || !(error instanceof ClusterError)) throw error;
    return open(0);
  }
}

/** Whether it answers in time, and with OK: another program may have the port by now. */
export async function answersPing(
  at: Listen,
  options: Pick<AskOptions, "signal" | "timeoutMs">,
): Promise<boolean> {
  const ping = encodeMessage("PING", { info: "Are you there?" });
  try {
    const answer = await askOnce(at, ping, { ...options, answerMaxBytes: requestBytesMax });
    return decodeMessage(answer).name === "OK";
  } catch (error) {
    if (error instanceof ClusterError) return false;
    throw error;
  }
}
