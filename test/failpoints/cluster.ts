/** A cluster of real processes whose coordinator and workers can be armed, one failpoint a life. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Client } from "../../src/sdk/client.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { freePort } from "../fixtures/free-port.ts";
import type { Ended, Started } from "../fixtures/started.ts";
import { startArmed } from "./armed.ts";

type Up = { readonly url: string; readonly adminToken: string; readonly join: string };

export class ArmedCluster {
  readonly dir = newFolder("tequio-failpoints-");
  coordinator: Started | null = null;
  readonly workers = new Map<string, Started>();
  #up: Up | null = null;
  /** "" = not started yet. One that systems pick could be taken while no coordinator has it. */
  #listen = "";
  #clients: Client[] = [];
  #serial = 0;

  get dataDir(): string {
    return join(this.dir, "data");
  }

  get up(): Up {
    assert.ok(this.#up !== null, "a coordinator has been up");
    return this.#up;
  }

  /** Starts a coordinator where the last one was. False when it ended before it was up. */
  async startCoordinator(failpoint: string | null = null): Promise<boolean> {
    if (this.#listen === "") this.#listen = `127.0.0.1:${await freePort()}`;
    const args = [this.dataDir, this.#listen];
    this.coordinator = startArmed("failpoints-coordinator", args, failpoint);
    const line = await this.coordinator.line("up ");
    if (line === null) return false;
    this.#up = JSON.parse(line) as Up;
    return true;
  }

  /** A new life of the worker of this name, in a directory of its own; resolves once it has joined
   *  or ended. `via` = another address of the coordinator. */
  async startWorker(
    name: string,
    failpoint: string | null = null,
    via: string | null = null,
  ): Promise<Started> {
    this.#serial += 1;
    const { url, join: token } = this.up;
    // With nothing beside it: workers whose directories are neighbours read each other's files.
    const dir = join(this.dir, `worker-${this.#serial}`, "data");
    const args = [dir, via ?? url, token, name];
    const worker = startArmed("failpoints-worker", args, failpoint);
    this.workers.set(name, worker);
    await worker.line("joined");
    return worker;
  }

  client(): Client {
    const client = new Client({ url: this.up.url, token: this.up.adminToken });
    this.#clients.push(client);
    return client;
  }

  /** Ends the coordinator in good order; how it ended. */
  async stopCoordinator(): Promise<Ended> {
    assert.ok(this.coordinator !== null);
    return this.coordinator.stop();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const started of [...this.workers.values(), this.coordinator]) {
      if (started === null) continue;
      started.child.kill("SIGCONT");
      await started.stop("SIGKILL");
    }
    removeFolder(this.dir);
  }
}
