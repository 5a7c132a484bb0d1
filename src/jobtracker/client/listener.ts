/** Where a client waits for what its tracker reports. */
import { createSocket } from "node:dgram";
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../../link/listen.ts";
import { openReplyServer, type ReplyServer } from "../../link/zeromq/reply-server.ts";
import { errorAnswer, okAnswer } from "../../wire/filesystem/answers.ts";
import { decodeMessage } from "../../wire/filesystem/codec.ts";
import { parseReport, type Report } from "../../wire/filesystem/jobs.ts";
import { requestBytesMax } from "../../wire/filesystem/limits.ts";

export type ReportListener = { readonly at: Listen; close(): Promise<void> };

const requestsMax = 16;

/** Port 0: one that the system picks. What is no report is answered ERROR. */
export async function listenForReports(
  { host, port }: Listen,
  take: (report: Report) => void,
): Promise<ReportListener> {
  const server: ReplyServer = await openReplyServer({
    host,
    port,
    parity: "even",
    requestMaxBytes: requestBytesMax,
    requestsMax,
    async answer(frame) {
      try {
        take(parseReport(decodeMessage(frame)));
        return okAnswer();
      } catch (error) {
        if (error instanceof ClusterError) return errorAnswer(error);
        throw error;
      }
    },
  });
  return { at: { host, port: server.port }, close: () => server.close() };
}

/** The address of this machine from which the place is reached: there it can answer. */
export async function addressTowards({ host, port }: Listen): Promise<string> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      // Sends nothing: the system only chooses the way.
      socket.connect(port, host, resolve);
    });
    return socket.address().address;
  } catch (cause) {
    const text = `there is no way from this machine to ${host}; check the address`;
    throw new ClusterError("unavailable", text, { cause });
  } finally {
    socket.close();
  }
}
