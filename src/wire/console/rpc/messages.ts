/** ONC-RPC (RFC 5531) over TCP: one call and its answer, the portmapper's call for a port, and the
 *  log service of the console protocol. */
import { ClusterError } from "../../../core/error.ts";
import { rpcAnswerBytesMax } from "../limits.ts";
import { encodeXdr, XdrReader } from "./xdr.ts";

export type Procedure = {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
};

/** Which port a program has (RFC 1833, version 2, GETPORT). */
const getPort: Procedure = { program: 100_000, version: 2, procedure: 3 };
const overTcp = 6;
export const portmapperPort = 111;

/** `int IMPRIMIR_OPERACION(string user, string operation, string file, string date_time)`; answers
 *  0 done, 1 unknown operation, 2 other. */
export const logOperation: Procedure = { program: 495_775, version: 1, procedure: 1 };

export type LoggedOperation = {
  readonly user: string;
  readonly operation: string;
  /** "" for an operation without a file. */
  readonly file: string;
  /** "" when the client sent none. */
  readonly dateTime: string;
};

export function encodePortCall(xid: number, { program, version }: Procedure): Uint8Array {
  return encodeCall(xid, getPort, [program, version, overTcp, 0]);
}

export function encodeLogCall(xid: number, logged: LoggedOperation): Uint8Array {
  const { user, operation, file, dateTime } = logged;
  return encodeCall(xid, logOperation, [user, operation, file, dateTime]);
}

const call = 0;
const reply = 1;
const rpcVersion = 2;
/** AUTH_NONE with an empty body. */
const noAuth = [0, 0];
const lastFragment = 0x80000000;

function encodeCall(
  xid: number,
  { program, version, procedure }: Procedure,
  values: readonly (number | string)[],
): Uint8Array {
  const head = [xid, call, rpcVersion, program, version, procedure, ...noAuth, ...noAuth];
  const body = encodeXdr([...head, ...values]);
  const record = new Uint8Array(4 + body.length);
  record.set(encodeXdr([(lastFragment + body.length) >>> 0]));
  record.set(body, 4);
  return record;
}

/** Reads the answers on one connection, each of which is one number. */
export class RpcAnswers {
  #bytes = new Uint8Array(0);

  /** The answers in these bytes. Throws `protocol-violated` when they are none, `unavailable` when
   *  the server refuses the call. */
  push(bytes: Uint8Array): { readonly xid: number; readonly value: number }[] {
    const joined = new Uint8Array(this.#bytes.length + bytes.length);
    joined.set(this.#bytes);
    joined.set(bytes, this.#bytes.length);
    this.#bytes = joined;
    const answers = [];
    for (let record = this.#record(); record !== null; record = this.#record()) {
      answers.push(readAnswer(record));
    }
    return answers;
  }

  /** The fragments of one record together; null when more must come. */
  #record(): Uint8Array | null {
    const record = new Uint8Array(rpcAnswerBytesMax);
    let filled = 0;
    for (let at = 0; ; ) {
      if (at + 4 > this.#bytes.length) return null;
      const mark = new XdrReader(this.#bytes.subarray(at, at + 4)).unsigned();
      const length = mark % lastFragment;
      if (filled + length > rpcAnswerBytesMax || (length === 0 && mark < lastFragment)) {
        throw new ClusterError(
          "protocol-violated",
          "an ONC-RPC answer is longer than any known one",
        );
      }
      at += 4 + length;
      if (at > this.#bytes.length) return null;
      record.set(this.#bytes.subarray(at - length, at), filled);
      filled += length;
      if (mark < lastFragment) continue;
      this.#bytes = this.#bytes.slice(at);
      return record.subarray(0, filled);
    }
  }
}

/** By accept_stat: why a call that was understood is refused. */
const refusals = [
  "",
  "it does not have this program",
  "it has another version of this program",
  "it does not have this procedure",
  "it cannot read the arguments",
  "it failed",
];

function readAnswer(record: Uint8Array): { xid: number; value: number } {
  const reader = new XdrReader(record);
  const xid = reader.unsigned();
  if (reader.unsigned() !== reply) {
    throw new ClusterError("protocol-violated", "an ONC-RPC message is not an answer");
  }
  if (reader.unsigned() !== 0) {
    throw new ClusterError("unavailable", "the server denies the ONC-RPC call");
  }
  // The verifier: its flavour and body.
  reader.unsigned();
  reader.skipOpaque();
  const refused = reader.unsigned();
  if (refused !== 0) {
    const why = refusals[refused] ?? `its answer is ${refused}`;
    throw new ClusterError("unavailable", `the server refuses the ONC-RPC call: ${why}`);
  }
  return { xid, value: reader.unsigned() };
}
