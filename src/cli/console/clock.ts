/** The date-time that goes with every operation: our own, or that of a SOAP service. */
import { ClusterError } from "../../core/error.ts";
import { formatDateTime } from "../../wire/console/date-time.ts";
import { soapAnswerBytesMax } from "../../wire/console/limits.ts";
import {
  checkTimeCall,
  encodeTimeCall,
  readTimeAnswer,
  type TimeCall,
} from "../../wire/console/soap.ts";

export type Clock = () => Promise<string>;

export const ownClock: Clock = async () => formatDateTime(new Date());

export type TimeServiceOptions = {
  readonly url: string;
  readonly call: TimeCall;
  /** For the whole answer, ms. */
  readonly timeoutMs: number;
  /** Called when the service fails and our own clock is used instead: once, until it answers
   *  again. */
  readonly onNote: (text: string) => void;
};

/** Throws `bad-request` for a URL or a method that cannot be. */
export function serviceClock(options: TimeServiceOptions): Clock {
  const { url, call, onNote } = options;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new ClusterError("bad-request", `"${url.slice(0, 100)}" is no http:// or https:// URL`);
  }
  checkTimeCall(call);
  let isTold = false;
  return async () => {
    try {
      const text = await askService(options);
      const dateTime = readTimeAnswer(text, call);
      isTold = false;
      return dateTime;
    } catch (error) {
      if (!isTold) onNote(`the time service gave no time (${reasonOf(error)}); using this clock`);
      isTold = true;
      return ownClock();
    }
  };
}

async function askService({ url, call, timeoutMs }: TimeServiceOptions): Promise<string> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "text/xml; charset=utf-8", soapaction: `"${call.method}"` },
    body: encodeTimeCall(call),
    redirect: "error",
    signal: AbortSignal.timeout(timeoutMs),
  });
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > soapAnswerBytesMax) {
      throw new ClusterError("limit-exceeded", `its answer is above ${soapAnswerBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  if (!response.ok) throw new ClusterError("unavailable", `it answered HTTP ${response.status}`);
  return Buffer.concat(chunks).toString("utf8");
}

function reasonOf(error: unknown): string {
  if (error instanceof ClusterError) return error.text;
  const { cause, message } = error as Error;
  const { code } = (cause ?? {}) as { code?: string };
  return code ?? message;
}
