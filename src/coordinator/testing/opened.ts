/** A real coordinator in a directory of its own for one test, with common calls. */
import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import type { Role } from "../../core/access/roles.ts";
import type { JobSpec } from "../../core/job.ts";
import { testJob, testStage } from "../../core/testing/fake-cluster.ts";
import { atEnd, temporaryDir } from "../../store/testing/at-end.ts";
import type { Plan } from "../../wire/block/plan.ts";
import { type Coordinator, openCoordinator } from "../coordinator.ts";
import type { CoordinatorOptions } from "../options.ts";

export class Opened {
  readonly coordinator: Coordinator;
  readonly dataDir: string;
  #users = 0;

  constructor(coordinator: Coordinator, dataDir: string) {
    this.coordinator = coordinator;
    this.dataDir = dataDir;
  }

  get url(): string {
    return this.coordinator.url;
  }

  /** `token` null = none; the admin's by default. */
  call(
    method: string,
    path: string,
    options: { token?: string | null; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const { token = this.coordinator.adminToken, body, headers = {} } = options;
    const bytes = body instanceof Uint8Array;
    return fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined || bytes ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: bytes ? Buffer.from(body) : JSON.stringify(body) }),
    });
  }

  async token(role: Role, owner: string, over: { ttlMs?: number; usesMax?: number } = {}) {
    const body = { role, owner, ttlMs: 0, usesMax: 0, ...over };
    const answer = await this.call("POST", "/v1/tokens", { body });
    return (await answer.json()) as { id: string; token: string };
  }

  async upload(bytes: Uint8Array, token?: string): Promise<string> {
    const answer = await this.call("POST", "/v1/blobs", { body: bytes, ...(token && { token }) });
    return ((await answer.json()) as { hash: string }).hash;
  }

  /** The description of a list of `count` tasks whose code and plan are uploaded. */
  async tasksSpec(count: number, over: Partial<Plan> = {}): Promise<JobSpec> {
    const codeHash = await this.upload(Buffer.from("export default null;"));
    const items = Array.from({ length: count }, (_, index) => `${index}\n`).join("");
    const plan: Plan = {
      version: 1,
      files: [],
      splits: [],
      items: { hash: await this.upload(Buffer.from(items)), count },
      params: {},
      reducers: 0,
      spillBytes: 0,
      ...over,
    };
    const planHash = await this.upload(Buffer.from(JSON.stringify(plan)));
    return testJob([testStage({ taskCount: count })], { codeHash, planHash });
  }

  /** A user of the console that has just registered; its name. */
  async user(): Promise<string> {
    const name = `user-${this.#users++}`;
    const member = { member: "user", owner: "", tokenHash: "", address: null, ttlMs: 0 } as const;
    await this.coordinator.post({ kind: "member-registered", name, ...member });
    return name;
  }

  async submit(spec: JobSpec, token?: string): Promise<string> {
    const body = { key: null, spec };
    const answer = await this.call("POST", "/v1/jobs", { body, ...(token && { token }) });
    const said = (await answer.json()) as { job?: string };
    if (said.job === undefined) throw new Error(JSON.stringify(said));
    return said.job;
  }
}

export async function opened(
  t: TestContext,
  options: Partial<CoordinatorOptions> = {},
): Promise<Opened> {
  const dataDir = options.dataDir ?? temporaryDir(t, "coordinator-");
  const coordinator = await openCoordinator({
    listen: "127.0.0.1:0",
    version: "test",
    ...options,
    dataDir,
  });
  // Before its directory goes: a log whose file is gone ends the process.
  atEnd(t, () => coordinator.close());
  return new Opened(coordinator, dataDir);
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
