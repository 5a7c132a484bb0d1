/** A real S3 server for tests: in memory where that is possible, on a port of its own. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type S3Place, s3Place } from "../../src/engine/s3/place.ts";

const memory = "/dev/shm";
const bucket = "tests";
/** The ones that the server knows. */
export const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };

/** The part of the package that is used; it has no types. */
type Server = { run(): Promise<{ readonly port: number }>; close(): Promise<void> };
type Constructor = new (options: Readonly<Record<string, unknown>>) => Server;

const s3rver = await import("s3rver" as string).then(
  ({ default: found }) => found as Constructor,
  () => null,
);

/** Reason to skip the tests that need it; false = they run. */
export const withoutS3: string | false = s3rver === null ? "no s3rver here: npm install" : false;

export class S3Server {
  readonly directory: string;
  readonly #server: Server;
  readonly #port: number;
  #prefixes = 0;

  private constructor(directory: string, server: Server, port: number) {
    this.directory = directory;
    this.#server = server;
    this.#port = port;
  }

  static async start(): Promise<S3Server> {
    const directory = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "s3-"));
    const server = new (s3rver as Constructor)({
      port: 0,
      address: "127.0.0.1",
      silent: true,
      directory,
      vhostBuckets: false,
      configureBuckets: [{ name: bucket }],
    });
    const { port } = await server.run();
    return new S3Server(directory, server, port);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** With a prefix of its own each time. */
  address(): string {
    this.#prefixes += 1;
    return `s3://${bucket}/p${this.#prefixes}?endpoint=${this.endpoint}`;
  }

  place(): S3Place {
    return s3Place(this.address(), {});
  }

  /** Where the server keeps the object of a key. */
  fileOf({ prefix }: S3Place, key: string): string {
    return join(this.directory, bucket, `${prefix}${key}._S3rver_object`);
  }

  async remove(): Promise<void> {
    await this.#server.close();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
