/** A coordinator of the simulated world: the production loop, edges, output check and sweep, around
 *  a simulated disk, clock and network. Calls of the same meaning replace the HTTP edge. */

import type { Principal } from "../../src/coordinator/access/auth.ts";
import { TrackerEdge } from "../../src/coordinator/edges/browser/edge.ts";
import { WorkerEdge } from "../../src/coordinator/edges/worker/edge.ts";
import { outputsChecked } from "../../src/coordinator/edges/worker/outputs.ts";
import { BlobSweep } from "../../src/coordinator/jobs/blob-sweep.ts";
import { Loop, type OuterEffect } from "../../src/coordinator/loop/loop.ts";
import { HandOver } from "../../src/coordinator/relay/handed-over.ts";
import { KeptOutputs } from "../../src/coordinator/relay/kept-outputs.ts";
import { ClusterError } from "../../src/core/error.ts";
import { type AttemptRef, attemptKey, type JobId, type WorkerId } from "../../src/core/ids.ts";
import type { TaskOutput } from "../../src/core/job.ts";
import type { JobSummary } from "../../src/core/summary.ts";
import { isLeasedTo, jobOutputs, jobState, jobSummary, tokenRecord } from "../../src/core/view.ts";
import type { Link } from "../../src/link/link.ts";
import type { Blobs } from "../../src/store/blob/blob.ts";
import type { SimJob } from "../jobs.ts";
import type { Law } from "../judges/laws.ts";
import { digestOf } from "../world/digest.ts";
import { openSimLog, type SimDisk } from "../world/disk.ts";
import { coordinatorName, gatewayCredential, intruderToken, joinToken } from "../world/names.ts";
import { SimProcess } from "../world/process.ts";
import type { SimOutput } from "../world/relay.ts";
import { type Part, sealed } from "../world/sealed.ts";
import type { SimLink } from "../world/sim-link.ts";
import { SimTextLink } from "../world/text-link.ts";
import { simTickets } from "../world/tickets.ts";
import type { World } from "../world/world.ts";
import type { DataServer, PartitionsAsk } from "./calls.ts";
import { TabData } from "./tab-data.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const credentialOf = "credential of ";
const tag = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

type Edges = { readonly worker: WorkerEdge; readonly tracker: TrackerEdge };

export type Ended = (error: Error) => void;

export class SimCoordinator implements DataServer {
  readonly process: SimProcess;
  readonly #world: World;
  readonly #disk: SimDisk;
  readonly #blobs: Blobs;
  #loop: Loop | null = null;
  #edge: WorkerEdge | null = null;
  #tracker: TrackerEdge | null = null;
  #tabData: TabData | null = null;
  #sweep: BlobSweep | null = null;
  #kept: KeptOutputs<SimOutput> | null = null;
  #handOver: HandOver | null = null;
  /** Keys of outputs that this process stored, or found at its start. */
  readonly #knownOutputs = new Set<string>();
  /** Outputs that are being written. */
  #relaying = 0;

  constructor(world: World, disk: SimDisk, wallSkewMs: number) {
    this.#world = world;
    this.#disk = disk;
    this.process = new SimProcess(coordinatorName, world.clock, wallSkewMs);
    this.#blobs = disk.blobs(this.process);
    this.process.onDeath.push((said) => {
      if (this.#relaying > 0) world.count("crash: output being written to the relay lost");
      if (!said && disk.relay.losePower(disk.options.random) > 0) {
        world.count("relay: files lost with the power");
      }
    });
  }

  get loop(): Loop | null {
    return this.#loop;
  }

  /** Never settles when the process dies meanwhile. `ended`: called when the loop had to stop, or
   *  could not start. */
  async start(ended: Ended): Promise<void> {
    const { shape } = this.#world;
    let performed = (_effect: OuterEffect): void => {};
    const timers = this.process;
    let loop: Loop;
    try {
      loop = await Loop.start({
        log: openSimLog(this.#disk, this.process),
        timers,
        perform: (effect) => performed(effect),
        onFatal: (error) => this.#end(error, ended),
        snapshotRecords: shape.snapshotRecords,
      });
    } catch (error) {
      this.#end(error as Error, ended);
      return;
    }
    this.#loop = loop;
    this.#sweep = new BlobSweep({
      blobs: this.#blobs,
      stateNow: () => loop.state,
      namedBy: async () => [],
      timers,
      confirm: () => loop.confirm(),
      graceMs: shape.sweepGraceMs,
      everyMs: shape.sweepGraceMs,
    });
    const edges = this.#openEdges(loop);
    performed = (effect) => this.#perform(effect, edges);
    this.#world.judge.coordinatorStarted(loop);
    this.#world.network.listen(coordinatorName, this);
  }

  /** The edges where workers and browsers reach the core. */
  #openEdges(loop: Loop): Edges {
    const { shape } = this.#world;
    const common = {
      loop,
      auth: this.#auth(loop),
      timers: this.process,
      keys: { tag, exchangeSecret: secretOf, tickets: simTickets },
      version: "simulated",
      notes: { logged() {}, progressed() {}, ended() {} },
      checked: outputsChecked(
        {
          size: (hash) => this.#blobs.size(hash),
          hold: (hashes, job) => this.#sweep!.hold(hashes, { job }),
        },
        () => loop.state,
      ),
    };
    const worker = new WorkerEdge({ ...common, liveness: shape.liveness });
    this.#openRelay(loop);
    const tracker = new TrackerEdge({
      ...common,
      ticketOf: (secret, id, refs) => digestOf(`${secret} ${id} ${refs}`),
      collect: (run, urls) => this.tabData().collect(run, urls),
      anonymous: true,
      print: (line) => this.#world.tell(() => `tracker: ${line}`),
      noteMs: shape.browsers.noteMs,
    });
    this.#edge = worker;
    this.#tracker = tracker;
    this.#tabData = new TabData({
      world: this.#world,
      process: this.process,
      loop,
      tracker,
      relayed: (key, partition) => this.#relayedPart(key, partition),
      bring: (ref, partitions, isWanted) => this.#bring(ref, partitions, isWanted),
      putBlob: (text) => this.putBlob(text),
      readBlob: (hash) => this.readBlob(hash),
      secretOf,
    });
    return { worker, tracker };
  }

  accept(link: Link, credential: string): void {
    const { loop } = this;
    if (credential === gatewayCredential) {
      this.#tracker!.accept(new SimTextLink(link as SimLink));
      return;
    }
    if (!isJoinToken(credential)) this.#exercised("W6: an issued credential stays known");
    if (!isJoinToken(credential) && recordOf(loop!, credential) === undefined) {
      // No credential is revoked in the simulation, and each is sent only when it is durable.
      this.#world.judge.breach("W6", `the ${credential} is no longer known`);
    }
    this.#edge!.accept(link, principalOf(loop!, credential));
  }

  // Requests of clients and workers over HTTP.

  async submit({ key, owner, spec }: SimJob, digest: string): Promise<JobId> {
    for (const hash of [spec.codeHash, spec.planHash]) this.#sweep!.touch(hash);
    const event = { kind: "job-submitted", owner, key, digest, spec } as const;
    return (await this.#mustRun().post(event)).job!;
  }

  async cancel(job: JobId, by: string): Promise<void> {
    await this.#mustRun().post({ kind: "job-cancelled", job, by });
  }

  async remove(job: JobId): Promise<void> {
    await this.#mustRun().post({ kind: "job-removed", job });
  }

  async summary(job: JobId): Promise<JobSummary | null> {
    const loop = await this.#mustBeOurs();
    return jobSummary(loop.state, job, loop.nowMs());
  }

  /** Results of a finished job, in task order. */
  async results(job: JobId): Promise<string[]> {
    const loop = await this.#mustBeOurs();
    if (jobSummary(loop.state, job, loop.nowMs())?.state !== "done") {
      throw new ClusterError("conflict", `${job} is not done`);
    }
    const outputs = jobOutputs(loop.state, job) as readonly TaskOutput[];
    return Promise.all(outputs.map((output) => output.value ?? this.readBlob(output.root)));
  }

  async putBlob(text: string): Promise<string> {
    const { hash } = await this.#blobs.put([encoder.encode(text)]);
    this.#sweep!.touch(hash);
    return hash;
  }

  async readBlob(hash: string): Promise<string> {
    this.#sweep!.touch(hash);
    let text = "";
    for await (const chunk of this.#blobs.read(hash)) text += decoder.decode(chunk);
    return text;
  }

  /** What browsers read and put. */
  tabData(): TabData {
    this.#mustRun();
    return this.#tabData!;
  }

  /** Partitions that the relay keeps, for a worker that presents its credential; null = missing. */
  relayed(ask: Pick<PartitionsAsk, "sources" | "partition">): Array<Part | null> {
    this.#mustRun();
    return ask.sources.map((source) => this.#relayedPart(source, ask.partition));
  }

  needed(worker: WorkerId): Promise<readonly AttemptRef[]> {
    this.#mustRun();
    return this.#handOver!.needed(worker);
  }

  /** A worker that is unreachable, or leaves, uploads a map output. Returns the root. */
  async relay(worker: WorkerId, ref: AttemptRef, partitions: readonly string[]): Promise<string> {
    const loop = this.#mustRun();
    const handOver = this.#handOver!;
    const expected = handOver.expected(worker, ref);
    if (expected !== null && sealed(partitions).root !== expected) {
      this.#world.count("leaving: damaged output refused");
      throw new ClusterError("bad-request", "it is not the output that was committed");
    }
    const isWanted = () =>
      isLeasedTo(loop.state, worker, ref) || handOver.expected(worker, ref) !== null;
    if (!isWanted()) throw new ClusterError("not-found", "this attempt is not leased to it");
    const root = await this.#bring(ref, partitions, isWanted);
    await handOver.kept(worker, ref, root);
    return root;
  }

  #openRelay(loop: Loop): void {
    const { files } = this.#disk.relay;
    for (const [ref] of files.load()) this.#knownOutputs.add(attemptKey(ref));
    const kept = new KeptOutputs(files);
    this.#kept = kept;
    this.#handOver = new HandOver({ loop, rootOf: (ref) => kept.get(ref)?.root ?? null });
    const isRunning = (job: JobId) => jobState(loop.state, job) === "running";
    this.#kept.keepOnly(isRunning, () => loop.confirm()).catch(() => {});
  }

  async #bring(
    ref: AttemptRef,
    partitions: readonly string[],
    isWanted: () => boolean,
  ): Promise<string> {
    const writing = this.#disk.relay.writing(this.process, ref, partitions);
    this.#world.judge.shuffle.made(writing.root, partitions);
    this.#relaying += 1;
    try {
      const { root } = await this.#kept!.keep(ref, writing, isWanted);
      this.#knownOutputs.add(attemptKey(ref));
      return root;
    } finally {
      this.#relaying -= 1;
    }
  }

  #relayedPart(key: string, partition: number): Part | null {
    const [job = "", stage, task, attempt] = key.split(/[/#]/);
    const [at, of, number] = [stage, task, attempt].map(Number) as [number, number, number];
    const output = this.#kept!.get({ job: job as JobId, stage: at, task: of, attempt: number });
    const part = this.#disk.relay.read(key, partition);
    if (part !== null) this.#exercised("I9: the relay serves what it has");
    if (output === null && part !== null && this.#knownOutputs.has(key)) {
      this.#world.judge.breach(
        "I9",
        `${key} is on the coordinator's disk, but is reported as lost`,
      );
    }
    return output === null ? null : part;
  }

  /** SIGTERM: workers keep what they run. */
  async stop(): Promise<void> {
    this.#edge?.stop();
    this.#tracker?.stop();
    this.#sweep?.stop();
    await this.#loop?.stop();
    this.process.kill(true);
  }

  #mustRun(): Loop {
    if (this.#loop === null) throw new ClusterError("unavailable", "the coordinator is starting");
    return this.#loop;
  }

  /** Like the HTTP edge, which answers no query before it is sure that its state is current. */
  async #mustBeOurs(): Promise<Loop> {
    this.#mustRun();
    if (await this.#edge?.ownsLog()) return this.#mustRun();
    throw new ClusterError("unavailable", "the coordinator slept");
  }

  #end(error: Error, ended: Ended): void {
    this.#edge?.stop();
    this.#tracker?.stop();
    this.process.kill(true);
    ended(error);
  }

  #perform(effect: OuterEffect, { tracker, worker }: Edges): void {
    if (effect.kind === "drop-blobs") this.#sweep!.release(effect).catch(() => {});
    else if (effect.kind === "job-changed") {
      void this.#kept!.jobChanged(effect.job, jobState(this.#loop!.state, effect.job));
    } else if (effect.kind === "expel") {
      worker.revoked(effect.worker);
      tracker.revoked(effect.worker);
    } else if (effect.kind !== "compare-outputs" && !tracker.perform(effect)) {
      worker.perform(effect);
    }
  }

  #exercised(law: Law): void {
    this.#world.count(law);
  }

  #auth(loop: Loop) {
    return {
      principal: (token: string | null) => principalOf(loop, token ?? ""),
      linkPrincipal: (token: string | null) => principalOf(loop, token ?? ""),
      useJoin: async () => {},
      isCredentialOf: (worker: string, credential: string) =>
        recordOf(loop, credential)?.id === worker,
      issueCredential: async (worker: `w-${number}`, { owner }: { readonly owner: string }) => {
        const token = `${credentialOf}${worker}`;
        const hash = digestOf(token);
        const terms = { role: "worker", owner, hash, expiresAtMs: 0, usesMax: 0 } as const;
        await loop.post({ kind: "token-issued", id: worker, ...terms });
        return token;
      },
    };
  }
}

function secretOf(job: string): string {
  return digestOf(`secret of ${job}`);
}

function isJoinToken(token: string): boolean {
  return token === joinToken || token === intruderToken;
}

function principalOf(loop: Loop, token: string): Principal {
  const known = isJoinToken(token) ? null : recordOf(loop, token);
  if (known === undefined) throw new ClusterError("unauthenticated", "no such token");
  return {
    token: known?.id ?? "join",
    kind: known === null ? "join" : "worker",
    role: "worker",
    owner: token === intruderToken ? "another" : "up",
    worker: (known?.id ?? null) as `w-${number}` | null,
    returningOnly: false,
  };
}

/** The record of a credential, whose text contains its worker. */
function recordOf(loop: Loop, credential: string) {
  const record = tokenRecord(loop.state, credential.slice(credentialOf.length));
  return record?.hash === digestOf(credential) ? record : undefined;
}
