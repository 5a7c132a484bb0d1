/** One operation with the server: a connection, a request, its answer. */
import { ClusterError } from "../../core/error.ts";
import { dialTcp } from "../../link/tcp/dial.ts";
import { type Gatherer, gather } from "../../link/tcp/gather.ts";
import { type Answer, AnswerReader } from "../../wire/console/answers.ts";
import type { ServerOperation } from "../../wire/console/messages.ts";

export type ExchangeOptions = {
  readonly host: string;
  readonly port: number;
  /** For the connection, and again for the answer, ms. */
  readonly timeoutMs: number;
};

/** `request` is given the address by which the server sees us. The connection stays open in both
 *  directions until the answer has come: some servers take a closed side for the end. Rejects with
 *  `unavailable`, `protocol-violated`, or as `request` does. */
export async function exchange(
  operation: ServerOperation,
  { host, port, timeoutMs }: ExchangeOptions,
  request: (localHost: string) => Promise<Uint8Array>,
): Promise<Answer> {
  const socket = await dialTcp({ host, port }, { timeoutMs });
  socket.on("error", () => {});
  try {
    socket.write(await request(socket.localAddress ?? ""));
    const answer = await gather(socket, answerGatherer(operation, timeoutMs), timeoutMs);
    if (answer instanceof ClusterError) throw answer;
    return answer;
  } finally {
    socket.destroy();
  }
}

function answerGatherer(
  operation: ServerOperation,
  waitMs: number,
): Gatherer<Answer | ClusterError> {
  const reader = new AnswerReader(operation);
  const refused = (error: unknown) => {
    if (error instanceof ClusterError) return error;
    throw error;
  };
  return {
    push(bytes) {
      try {
        const answer = reader.push(bytes);
        return answer === null ? { waitMs } : { done: answer };
      } catch (error) {
        return { done: refused(error) };
      }
    },
    end() {
      try {
        return reader.end();
      } catch (error) {
        return refused(error);
      }
    },
  };
}
