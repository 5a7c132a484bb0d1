/** Where a client of a job listens, for tests, and what it has received. */
import type { TestContext } from "node:test";
import { openReplyServer } from "../../../../link/zeromq/reply-server.ts";
import { okAnswer } from "../../../../wire/filesystem/answers.ts";
import { decodeMessage, type Message } from "../../../../wire/filesystem/codec.ts";

/** `all`: those of this name so far; `first`: the payload of the first, once it is there. */
export async function listening(t: TestContext) {
  const received: Message[] = [];
  let wake = Promise.withResolvers<void>();
  const server = await openReplyServer({
    host: "127.0.0.1",
    port: 0,
    requestMaxBytes: 1 << 20,
    requestsMax: 4,
    async answer(frame) {
      received.push(decodeMessage(frame));
      wake.resolve();
      wake = Promise.withResolvers();
      return okAnswer();
    },
  });
  t.after(() => server.close());
  const all = (name: string) => received.filter((message) => message.name === name);
  const first = async (name: string) => {
    for (;;) {
      const [found] = all(name);
      if (found !== undefined) return found.payload;
      await wake.promise;
    }
  };
  return { address: ["127.0.0.1", String(server.port)], all, first };
}
