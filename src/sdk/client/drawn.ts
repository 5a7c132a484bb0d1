/** What the page of a job draws, beside its summary: profiles of its tasks, and its graph. */
import type { JobGraph } from "../../wire/api/graph.ts";
import type { ProfileKept, Profiles, TaskProfile } from "../../wire/api/profile.ts";
import { jobPath } from "./job-path.ts";
import type { Transport } from "./transport.ts";

export class Drawn {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Those that were kept, oldest first. */
  profiles(job: string): Promise<Profiles> {
    return this.#transport.json({ method: "GET", path: `${jobPath(job)}/profiles` });
  }

  keepProfile(job: string, json: TaskProfile): Promise<ProfileKept> {
    return this.#transport.json({ method: "POST", path: `${jobPath(job)}/profiles`, json });
  }

  graph(job: string): Promise<JobGraph> {
    return this.#transport.json({ method: "GET", path: `${jobPath(job)}/graph` });
  }
}
