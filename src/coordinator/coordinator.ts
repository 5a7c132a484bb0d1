/** A coordinator of this process: its directory, loop, workers' edge and HTTP server, opened and
 *  closed as one. */
import { join } from "node:path";
import { isLoopback, type Listen, parseListen, reachableUrl, urlOf } from "../link/listen.ts";
import { type Certificate, fingerprint } from "../link/tls/self-signed.ts";
import { hit } from "../store/failpoint.ts";
import { ownAdminToken } from "./access/admin-token.ts";
import { openServices } from "./assemble.ts";
import { openDataDir, ownCertificate } from "./data-dir.ts";
import type { GatewayLink } from "./edges/browser/edge.ts";
import { type ConsoleOptions, serveConsole } from "./edges/console/edge.ts";
import type { RegisterServing } from "./edges/filesystem/register/edge.ts";
import { serve } from "./edges/http/edge.ts";
import { type StartingServer, serveStarting } from "./edges/http/starting.ts";
import type { Libp2pServing } from "./edges/libp2p/edge.ts";
import { defaultP4Settings } from "./edges/p4/call.ts";
import { P4Edge } from "./edges/p4/edge.ts";
import { type P4Serving, serveP4 } from "./edges/p4/serve.ts";
import { joinEngine, type LeadingOptions, lead } from "./leading/leadership.ts";
import { mustBeSameLog, type Places, writePlaces } from "./leading/places.ts";
import { shareToken } from "./leading/shared-files.ts";
import type { NewEvent, ReplayProgress, Reply } from "./loop/journal.ts";
import { realTimers } from "./loop/timers.ts";
import { thisMachine } from "./members/addresses.ts";
import { PeerProbe } from "./members/probe.ts";
import type { CoordinatorOptions } from "./options.ts";
import type { Services } from "./services.ts";

export type JoinTerms = {
  /** 0 = never expires. */
  readonly ttlMs: number;
  /** Joins allowed; 0 = any number. */
  readonly usesMax: number;
  /** Owner of the workers that join; default "admin". */
  readonly owner?: string;
  /** Class of the workers that join; default "worker", own ones. */
  readonly role?: "worker" | "volunteer";
};

/** `discoveryPort` is of UDP; null = its port was in use. */
export type FilesystemPlace = Listen & {
  readonly discoveryPort: number | null;
  /** The address that is given to programs. */
  readonly advertised: Listen;
  /** A stored file, read without the port; null = it has to be asked for there. */
  readonly near: (name: string) => AsyncIterable<Uint8Array> | null;
};

export type Coordinator = {
  readonly url: string;
  /** Where other machines reach it; its own URL when they cannot. */
  readonly openUrl: string;
  /** SHA-256 of its certificate; "" without TLS. */
  readonly fingerprint: string;
  /** The same when no authority has signed it, so that clients have to know it; else "". */
  readonly pin: string;
  /** The same token is in `<dataDir>/admin.token`. */
  readonly adminToken: string;
  /** Where the console listens; null = it does not. */
  readonly console: { readonly host: string; readonly port: number } | null;
  /** Where the file system of the filesystem protocol and its register listen; null = they do
   *  not. */
  readonly filesystem: FilesystemPlace | null;
  readonly register: RegisterServing | null;
  /** The separate port of P4's control channel; null = it has none. */
  readonly p4: Listen | null;
  /** Where workers join over libp2p; null = they cannot. */
  readonly libp2p: Pick<Libp2pServing, "addresses" | "peer"> | null;
  joinToken(terms: JoinTerms): Promise<string>;
  /** The same token, with its short form. */
  joinCode(terms: JoinTerms): Promise<{ readonly token: string; readonly code: string }>;
  /** A gateway of this process: from now on its browsers get work. */
  acceptGateway(link: GatewayLink): void;
  /** For programs that embed it; see core/event.ts. */
  post(event: NewEvent): Promise<Reply>;
  /** Workers continue what they run; what was acknowledged is on the disk. May be called twice. */
  close(): Promise<void>;
};

export async function openCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const listen = parseListen(options.listen);
  const closers = new AsyncDisposableStack();
  const closeAll = async () => {
    hit("coordinator.close", "before");
    // What cannot be closed is left to the end of the process.
    await closers.disposeAsync().catch(() => {});
    hit("coordinator.close", "after");
  };
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= closeAll();
    return closing;
  };
  try {
    return await open({ ...options, onShutdown: options.onShutdown ?? close }, listen, {
      closers,
      close,
    });
  } catch (error) {
    await close();
    throw error;
  }
}

type Closing = { readonly closers: AsyncDisposableStack; readonly close: () => Promise<void> };

async function open(
  options: CoordinatorOptions & { readonly onShutdown: () => void },
  listen: Listen,
  { closers, close }: Closing,
): Promise<Coordinator> {
  const { dataDir } = options;
  const { certificate, leadership, starting } = await openPlace(options, listen, closers);
  const services = await openServices(
    {
      ...options,
      leadership,
      onReplayed: (progress) => starting.replayed(progress),
      onFatal: (error) => void close().then(() => (options.onFatal ?? raise)(error)),
    },
    closers,
  );
  const adminToken = await ownAdminToken(join(dataDir, "admin.token"), services.auth);
  if (leadership !== null) await shareToken(leadership.engine, dataDir);
  const p4 = openP4(services, options);
  const peerProbe = new PeerProbe({ members: services.members, timers: realTimers });
  closers.defer(() => peerProbe.stop());
  await starting.close();
  const serving = await serve({
    services,
    p4,
    listen,
    certificate,
    origin: { hosts: hostsOf(options), origins: options.origins ?? [] },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    mount: options.mount,
    onError: onErrorOf(options),
  });
  closers.defer(() => serving.close());
  const peers = await openP4Port(p4, services, options);
  if (peers !== null) closers.defer(() => peers.close());
  const users = options.console === undefined ? null : await openConsole(services, options);
  if (users !== null) closers.defer(() => users.close());
  const edges = await openFilesystem(services, options, { listen, certificate, closers });
  const at = { host: listen.host, port: serving.port };
  const url = urlOf(certificate === null ? "http" : "https", at);
  leadership?.announce(named(reachableUrl(url), options.certificate));
  return {
    url,
    ...placed(services, options, { url, listen, certificate }),
    adminToken,
    console: users,
    ...edges,
    p4: peers,
    libp2p: await openLibp2p(services, options, { base: reachableUrl(url), closers }),
    joinToken: async (terms) => (await joinCode(services, terms)).token,
    joinCode: (terms) => joinCode(services, terms),
    acceptGateway: (link) => services.tracker.accept(link),
    post: (event) => services.loop.post(event),
    close,
  };
}

function hostsOf({ certificate, hosts = [] }: CoordinatorOptions): readonly string[] {
  const host = certificate?.host ?? null;
  return host === null ? hosts : [...hosts, host];
}

/** Where others reach it, and what they have to know of its certificate. */
function placed(
  { place }: Services,
  { certificate: given }: CoordinatorOptions,
  at: { readonly url: string; listen: Listen; certificate: Certificate | null },
): Pick<Coordinator, "fingerprint" | "openUrl" | "pin"> {
  const openUrl = named(reachableUrl(at.url), given);
  const mark = at.certificate === null ? "" : fingerprint(at.certificate.cert);
  const pin = given?.isSelfSigned === false ? "" : mark;
  if (!isLoopback(at.listen.host)) place.openUrl = openUrl;
  place.hasOwnCertificate = pin !== "";
  return { openUrl, fingerprint: mark, pin };
}

/** Browsers accept a certificate for its names alone. */
function named(url: string, certificate: CoordinatorOptions["certificate"]): string {
  const host = certificate?.host ?? null;
  if (host === null) return url;
  const whole = new URL(url);
  whole.hostname = host;
  return whole.origin;
}

async function joinCode(
  { auth }: Services,
  { ttlMs, usesMax, owner = "admin", role = "worker" }: JoinTerms,
): Promise<{ readonly token: string; readonly code: string }> {
  const { code, token } = await auth.issue({ role, owner, ttlMs, usesMax });
  return { token, code: code ?? token };
}

/** The directory, and of a log in an engine the right to write it. */
async function openPlace(
  options: CoordinatorOptions,
  listen: Listen,
  closers: AsyncDisposableStack,
) {
  const { blobs, dataDir, insecure = false, leading } = options;
  openDataDir(dataDir);
  const places = placesOf(options);
  mustBeSameLog(dataDir, places);
  writePlaces(dataDir, places);
  const given = options.certificate;
  const isPlain = given === undefined && (isLoopback(listen.host) || insecure);
  const joining = { blobs, dataDir, closers };
  const engine = leading === undefined ? null : await joinEngine(leading, joining, !isPlain);
  const certificate = isPlain ? null : (given ?? ownCertificate(dataDir));
  const starting = new Starting(options, listen, certificate);
  closers.defer(() => starting.close());
  if (leading === undefined || engine === null) return { certificate, leadership: null, starting };
  const url = named(reachableUrl(urlOf(isPlain ? "http" : "https", listen)), given);
  const mark = certificate === null ? "" : fingerprint(certificate.cert);
  const place = { ...joining, url, fingerprint: mark };
  const leadership = await lead(engine, starting.standby(leading), place);
  return { certificate, leadership, starting };
}

function placesOf({ blobs, leading }: CoordinatorOptions): Places {
  const own = blobs === undefined ? {} : { blobs };
  if (leading === undefined) return own;
  const { allowSingle = false, log } = leading;
  return { ...own, log, ...(allowSingle ? { allowSingle } : {}) };
}

/** Answers calls when a replay takes longer than a moment. */
class Starting {
  readonly #options: CoordinatorOptions;
  readonly #listen: Listen;
  readonly #certificate: Certificate | null;
  #server: StartingServer | null = null;

  constructor(options: CoordinatorOptions, listen: Listen, certificate: Certificate | null) {
    this.#options = options;
    this.#listen = listen;
    this.#certificate = certificate;
  }

  replayed(progress: ReplayProgress): void {
    const certificate = this.#certificate;
    const at = this.#listen;
    // Port 0: the port is known only when the real server has it.
    if (at.port !== 0) this.#server ??= serveStarting(at, certificate);
    this.#server?.replayed(progress);
    const url = urlOf(certificate === null ? "http" : "https", at);
    const mark = certificate === null ? "" : fingerprint(certificate.cert);
    this.#options.onReplay?.(progress, at.port === 0 ? null : { url, fingerprint: mark });
  }

  /** The same options, with this server as the one that answers while another leads. */
  standby(leading: LeadingOptions): LeadingOptions {
    return {
      ...leading,
      onStandby: (news) => {
        if (this.#listen.port !== 0 && leading.isStandby) {
          this.#server ??= serveStarting(this.#listen, this.#certificate);
          this.#server.standsBy(news.leader);
        }
        leading.onStandby?.(news);
      },
    };
  }

  async close(): Promise<void> {
    await this.#server?.close();
    this.#server = null;
  }
}

function openP4(services: Services, options: CoordinatorOptions): P4Edge {
  const { auth, edge: owner, loop, members, tickets } = services;
  const { listen: _, ...settings } = options.p4 ?? {};
  const parts = { auth, loop, members, owner, tickets, machine: thisMachine };
  return new P4Edge(
    { ...parts, settings: { ...defaultP4Settings, ...settings } },
    onErrorOf(options),
  );
}

async function openP4Port(
  edge: P4Edge,
  { blobs, edge: owner, programs }: Services,
  options: CoordinatorOptions,
): Promise<P4Serving | null> {
  const listen = options.p4?.listen;
  if (listen === undefined) return null;
  const onError = onErrorOf(options);
  const serving = await serveP4({ edge, blobs, owner, programs, onError }, listen);
  programs.p4 = { host: listen.host, port: serving.port };
  return serving;
}

function onErrorOf({
  onError = (error) => console.error(error),
}: Pick<CoordinatorOptions, "onError">) {
  return onError;
}

function openConsole({ edge, loop, members }: Services, { console, dataDir }: CoordinatorOptions) {
  return serveConsole(console as ConsoleOptions, {
    loop,
    members,
    owner: edge,
    timers: realTimers,
    dataDir,
  });
}

/** Loaded on demand, as it needs optional packages. */
async function openLibp2p(
  { edge }: Services,
  { dataDir, libp2p }: CoordinatorOptions,
  { base, closers }: { readonly base: string; readonly closers: AsyncDisposableStack },
): Promise<Libp2pServing | null> {
  if (libp2p === undefined) return null;
  const { serveLibp2p } = await import("./edges/libp2p/edge.ts");
  const serving = await serveLibp2p(libp2p, { edge, dataDir, base });
  closers.defer(() => serving.close());
  // Before its node ends, so that existing workers are sent a ManagerBye.
  closers.defer(() => edge.stop());
  return serving;
}

async function openFilesystem(
  services: Services,
  { dataDir, filesystem, register, ...options }: CoordinatorOptions,
  around: {
    readonly listen: Listen;
    readonly certificate: Certificate | null;
    readonly closers: AsyncDisposableStack;
  },
): Promise<Pick<Coordinator, "filesystem" | "register">> {
  const { certificate, closers, listen } = around;
  // Loaded on demand: few use it, and it needs an optional package.
  const files =
    filesystem === undefined
      ? null
      : await (await import("./edges/filesystem/edge.ts")).serveFilesystem(filesystem, {
          ...services,
          dataDir,
          peerHost: listen.host,
          certificate,
          onError: onErrorOf(options),
        });
  if (files !== null) closers.defer(() => files.close());
  if (register === undefined) return { filesystem: files, register: null };
  const { serveRegister } = await import("./edges/filesystem/register/edge.ts");
  const own = files?.advertised ?? null;
  const serving = await serveRegister(register, {
    dataDir,
    timers: realTimers,
    own,
    owner: services.edge,
  });
  closers.defer(() => serving.close());
  return { filesystem: files, register: serving };
}

/** An unhandled failure must end the process, as a failed assertion does. */
function raise(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}
