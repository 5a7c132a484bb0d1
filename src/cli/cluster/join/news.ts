/** What a worker or a gateway prints while it runs: lines for people, or JSON for programs. */
import { durationText } from "../../numbers.ts";
import { oneLine } from "../../text.ts";

export type Tell = {
  /** A line that is always printed; `fields` are for programs. */
  say(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** News of the coordinator. Printed once for a reason, however often it is tried, and again when
   *  the reason is another; `retryMs` until the next try, 0 = there is none. */
  news(event: string, message: string, retryMs: number): void;
};

export function teller(asJson: boolean, print: (line: string) => void): Tell {
  let last = "";
  const say: Tell["say"] = (event, message, fields = {}) => {
    const at = new Date().toISOString();
    print(asJson ? JSON.stringify({ at, event, message, ...fields }) : `${at} ${oneLine(message)}`);
  };
  return {
    say,
    news(event, message, retryMs) {
      const reason = `${event} ${message}`;
      if (reason === last) return;
      last = reason;
      if (retryMs === 0) say(event, message);
      else if (asJson) say(event, message, { retryMs: Math.ceil(retryMs) });
      else say(event, `${message}; retrying in ${durationText(retryMs)}`);
    },
  };
}
