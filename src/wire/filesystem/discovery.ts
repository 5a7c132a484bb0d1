/** Discovery by UDP: a broadcast request, answered with an address, pickled as a pair of two
 *  strings. No other pickle is read. */
import { ClusterError } from "../../core/error.ts";
import { bytesOf } from "./codec.ts";
import { type Address, asList } from "./fields.ts";
import { discoveryBytesMax } from "./limits.ts";
import { readPickle } from "./pickle/reader.ts";
import { writePickle } from "./pickle/writer.ts";
import { PyTuple } from "./value.ts";

/** Where existing file systems and workers listen for it (UDP), and our clients ask. */
export const filesystemQuestionPort = 8081;
export const workerQuestionPort = 7999;

/** Sent to file systems and to workers alike. */
export const question = bytesOf("Any worker there?");

export function isQuestion(datagram: Uint8Array): boolean {
  return (
    datagram.length === question.length && datagram.every((byte, index) => byte === question[index])
  );
}

export function encodeAddress({ host, port }: Address): Uint8Array {
  return writePickle(new PyTuple([host, String(port)]));
}

/** Throws `protocol-violated` for anything but a pickled pair of two strings. */
export function decodeAddress(datagram: Uint8Array): Address {
  const value = datagram.length > discoveryBytesMax ? null : readPickle(datagram);
  const [host, port, ...more] = asList(value) ?? [];
  const isHost = typeof host === "string" && /^[0-9A-Za-z.:_-]{1,255}$/.test(host);
  const isPort = typeof port === "string" && /^[1-9][0-9]{0,4}$/.test(port) && +port < 65_536;
  if (isHost && isPort && more.length === 0) return { host, port: Number(port) };
  throw new ClusterError("protocol-violated", "the answer is not a pickled pair of host and port");
}
