/** The request to a date-time service and its answer: SOAP 1.1, as existing clients and services of
 *  the console protocol use it. */
import { ClusterError } from "../../core/error.ts";

export type TimeCall = {
  /** Target namespace of the service. */
  readonly namespace: string;
  /** `get_datetime` in one existing service, `get_time` in others. */
  readonly method: string;
};

export const defaultTimeCall: TimeCall = {
  namespace: "spyne.examples.datetime",
  method: "get_datetime",
};

export function encodeTimeCall({ namespace, method }: TimeCall): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"' +
    ` xmlns:t="${escaped(namespace)}"><soap:Body><t:${method}/></soap:Body></soap:Envelope>`
  );
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "amp", "<": "lt", '"': "quot" };
  return text.replace(/[&<"]/g, (sign) => `&${entities[sign]};`);
}

/** Throws `bad-request` for a method that is not an XML name. */
export function checkTimeCall({ method }: TimeCall): void {
  if (/^[A-Za-z_][\w.-]{0,99}$/.test(method)) return;
  throw new ClusterError(
    "bad-request",
    `"${method.slice(0, 40)}" is not the name of a SOAP method`,
  );
}

/** The date-time in an answer: the text of its result. Throws `protocol-violated` when there is
 *  none that a message could hold. */
export function readTimeAnswer(text: string, { method }: TimeCall): string {
  const open = `<(?:[\\w.-]{1,64}:)?${method.replace(/[.]/g, "\\.")}Result(?:\\s[^<>]{0,400})?>`;
  const found = new RegExp(`${open}([^<>]{1,100})</`).exec(text)?.[1]?.trim();
  if (
    found === undefined ||
    !/^\S{1,40}\/\S{1,40}\/\S{1,40} \S{1,40}:\S{1,40}:\S{1,40}$/.test(found)
  ) {
    const what = `the answer has no ${method}Result of the form dd/mm/yyyy hh:mm:ss`;
    throw new ClusterError("protocol-violated", what);
  }
  return found;
}
