/** A coordinator that other machines can reach speaks TLS. Dialled by http:// it would never
 *  answer, and never say why. */
import { connect } from "node:tls";
import { ClusterError } from "../../../core/error.ts";
import { request } from "../../../link/node-http.ts";

/** Of each of the two questions, in ms. */
const answerMs = 3_000;

/** Throws `bad-request` when the port of an http:// address speaks TLS. One where nothing answers
 *  yet is waited for as any other. */
export async function refusePlainHttp(url: string): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  if (protocol !== "http:" || (await answersPlainly(url))) return;
  if (!(await speaksTls(hostname.replace(/^\[|\]$/g, ""), Number(port || 80)))) return;
  const right = url.replace(/^http:/, "https:");
  const text = `${url} speaks TLS; join ${right}, with the --fingerprint of \`tequio up\``;
  throw new ClusterError("bad-request", text);
}

/** Whatever the answer is: existing managers know no such path. */
function answersPlainly(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(answerMs);
    const asking = request(`${url}/v1/health`, { signal, agent: false }, (answer) => {
      // 400 is what Node and others answer to plain HTTP on a port of TLS.
      resolve(answer.statusCode !== 400);
      answer.destroy();
    });
    asking.once("error", () => resolve(false));
    asking.end();
  });
}

function speaksTls(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    // Nothing is sent over it.
    const socket = connect({ host, port, rejectUnauthorized: false });
    const end = (speaks: boolean) => {
      socket.destroy();
      resolve(speaks);
    };
    socket.setTimeout(answerMs, () => end(false));
    socket.once("secureConnect", () => end(true));
    socket.once("error", () => end(false));
  });
}
