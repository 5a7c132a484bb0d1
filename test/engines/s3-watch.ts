/** Between programs and an S3 server: counts calls, checks the signatures of presigned addresses by
 *  a second implementation, and answers in place of the server where a test says so. */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AwsV4Signer } from "aws4fetch";
import { credentials, S3Server } from "./s3-server.ts";

export type S3Call = {
  readonly method: string;
  readonly path: string;
  /** By an address that the coordinator has given; else the coordinator itself calls. */
  readonly isPresigned: boolean;
};

/** True: it has answered. */
type Fault = (call: S3Call, request: IncomingMessage, response: ServerResponse) => boolean;

export class S3Watch {
  readonly calls: S3Call[] = [];
  /** Signatures that are not what another implementation makes. */
  readonly wrong: string[] = [];
  fault: Fault = () => false;
  /** A call waits for it. */
  hold: (call: S3Call) => Promise<void> = async () => {};
  readonly #server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #target: string;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((asked, answer) => {
      this.#pass(asked, answer).catch(() => answer.destroy());
    });
  }

  static async before(server: S3Server): Promise<S3Watch> {
    const watch = new S3Watch(server.endpoint);
    await new Promise<void>((resolve) => watch.#server.listen(0, "127.0.0.1", resolve));
    return watch;
  }

  /** Of the server's place, by way of this. */
  through(address: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return address.replace(this.#target, `http://127.0.0.1:${port}`);
  }

  /** Of partitions. */
  ofShuffle(method: string): S3Call[] {
    return this.calls.filter((one) => one.method === method && one.path.includes("/shuffle/"));
  }

  reset(): void {
    this.calls.length = 0;
    this.fault = () => false;
    this.hold = async () => {};
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { headers, method = "GET", url: path = "/" } = asked;
    const url = new URL(path, `http://${headers.host}`);
    const isPresigned = url.searchParams.has("X-Amz-Signature");
    const call = { method, path: url.pathname, isPresigned };
    this.calls.push(call);
    if (isPresigned) await this.#check(asked, url);
    await this.hold(call);
    if (this.fault(call, asked, answer)) {
      asked.resume();
      return;
    }
    const passed = request(`${this.#target}${path}`, { method, headers, agent: this.#agent });
    passed.on("error", () => answer.destroy());
    passed.on("response", (given) => {
      answer.writeHead(given.statusCode ?? 500, given.headers);
      given.pipe(answer);
    });
    asked.pipe(passed);
  }

  async #check({ headers, method = "GET" }: IncomingMessage, given: URL): Promise<void> {
    const url = new URL(given);
    const query = (name: string) => url.searchParams.get(name) ?? "";
    const signature = query("X-Amz-Signature");
    const names = query("X-Amz-SignedHeaders").split(";");
    const datetime = query("X-Amz-Date");
    const region = query("X-Amz-Credential").split("/")[2] ?? "";
    for (const name of ["Signature", "SignedHeaders", "Credential", "Algorithm", "Date"]) {
      url.searchParams.delete(`X-Amz-${name}`);
    }
    const own = names.filter((name) => name !== "host").map((name) => [name, headers[name]]);
    const signer = new AwsV4Signer({
      ...credentials,
      ...{ url: url.href, method, service: "s3", region, datetime },
      headers: Object.fromEntries(own) as Record<string, string>,
      signQuery: true,
      allHeaders: true,
    });
    const made = (await signer.sign()).url.searchParams.get("X-Amz-Signature");
    if (made !== signature) this.wrong.push(`${method} ${given.pathname}`);
  }
}

/** A server with a watch before it, whose credentials this process has; both end with the stack. */
export async function startWatched(
  started: AsyncDisposableStack,
): Promise<{ readonly server: S3Server; readonly watch: S3Watch }> {
  const server = started.adopt(await S3Server.start(), (one) => one.remove());
  const watch = started.adopt(await S3Watch.before(server), (one) => one.close());
  process.env.AWS_ACCESS_KEY_ID = credentials.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = credentials.secretAccessKey;
  return { server, watch };
}

/** Answers as S3 refuses. */
export function refuse(response: ServerResponse, status: number, code: string, text = ""): true {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(`<Error><Code>${code}</Code><Message>${text}</Message></Error>`);
  return true;
}
