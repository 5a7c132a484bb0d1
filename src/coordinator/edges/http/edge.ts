/** The HTTP server: limits, gates and errors around the routes, on one port with the workers'
 *  links. */
import { pipeline, Readable } from "node:stream";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { ClusterError } from "../../../core/error.ts";
import { jobOwner, jobSpec, jobState } from "../../../core/view.ts";
import { permit } from "../../../link/http/cross-origin.ts";
import { checkOrigin, type OriginRules } from "../../../link/http/origin.ts";
import type { Listen } from "../../../link/listen.ts";
import { listenError } from "../../../link/listen-error.ts";
import type { Certificate } from "../../../link/tls/self-signed.ts";
import { hit } from "../../../store/failpoint.ts";
import { type ApiError, httpStatus, jsonBodyMaxBytes } from "../../../wire/api/messages.ts";
import type { Principal } from "../../access/auth.ts";
import { defaultFailureLimits, FailureCounter } from "../../access/rate.ts";
import { mustLead } from "../../leading/answering.ts";
import { asJobId, goneJob, noSuchJob, type Services } from "../../services.ts";
import { type P4Edge, p4Below } from "../p4/edge.ts";
import { withCommand } from "./full-disk.ts";
import type { Mount } from "./mount.ts";
import { forbidden, verdict } from "./permission.ts";
import { type Answer, type Route, takesToken } from "./route.ts";
import { routes } from "./routes/index.ts";
import { bearer, takeUpgrades } from "./upgrade.ts";

export type ServeLimits = {
  readonly headersTimeoutMs: number;
  /** A JSON body must have arrived within this, ms; uploads of blobs only have to make progress. */
  readonly bodyTimeoutMs: number;
  readonly headerMaxBytes: number;
  readonly jsonMaxBytes: number;
  readonly connectionsMax: number;
  /** Calls at once; more are answered `unavailable`. */
  readonly callsMax: number;
  /** Wrong tokens of one address in a minute before it is throttled. */
  readonly failuresMax: number;
};

export const defaultServeLimits: ServeLimits = {
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  headerMaxBytes: 16 * 1024,
  jsonMaxBytes: jsonBodyMaxBytes,
  connectionsMax: 20_000,
  callsMax: 4_096,
  failuresMax: 30,
};

export type ServeOptions = {
  readonly services: Services;
  readonly listen: Listen;
  readonly certificate: Certificate | null;
  readonly origin: OriginRules;
  /** It also answers the calls below `p4Below`. */
  readonly p4: P4Edge;
  readonly limits?: Partial<ServeLimits>;
  readonly mount?: Mount | undefined;
  /** A bug ended a call; the caller is not sent the details. */
  readonly onError: (error: unknown) => void;
};

export type Serving = {
  readonly port: number;
  /** Ends all calls and links; resolves when they are gone. */
  close(): Promise<void>;
};

export async function serve(options: ServeOptions): Promise<Serving> {
  const server = new HttpServer(options);
  const { app, limits } = server;
  app.server.maxConnections = limits.connectionsMax;
  const { mount, origin, services } = options;
  const links = takeUpgrades(app.server, {
    services,
    origin,
    mount,
    refused: (address, error) => server.refused(address, error),
  });
  const port = await listenOn(app, options.listen);
  return {
    port,
    async close() {
      server.endCalls();
      await Promise.all([links.close("the coordinator is stopping"), mount?.close()]);
      await app.close();
    },
  };
}

async function listenOn(app: FastifyInstance, { host, port }: Listen): Promise<number> {
  try {
    hit("serve.listen", "before");
    await app.listen({ host, port });
    hit("serve.listen", "after");
  } catch (cause) {
    throw listenError(cause, { host, port });
  }
  return (app.server.address() as { port: number }).port;
}

/** Bodies are validated by the schemas of their routes (zod); without these the framework would
 *  load a validator and a serializer of its own, 150 modules that nothing uses. */
const noCompilers = { buildValidator: () => unused, buildSerializer: () => unused };

function unused(): never {
  throw new Error("routes have no schemas of the framework");
}

/** One server with its hooks. */
class HttpServer {
  readonly app: FastifyInstance;
  readonly limits: ServeLimits;
  readonly #options: ServeOptions;
  readonly #failures: FailureCounter;
  readonly #principals = new WeakMap<FastifyRequest, Principal>();
  readonly #bodyTimers = new WeakMap<FastifyRequest, () => void>();
  readonly #calls = new Set<AbortController>();

  constructor(options: ServeOptions) {
    this.#options = options;
    this.limits = { ...defaultServeLimits, ...options.limits };
    const { failuresMax } = this.limits;
    this.#failures = new FailureCounter({ ...defaultFailureLimits, failuresMax });
    this.app = this.#newServer();
    const { app } = this;
    app.removeContentTypeParser("text/plain");
    app.addHook("onRequest", async (request, reply) => {
      checkOrigin(request.headers, options.origin);
      if (permit(request.raw, reply.raw, options.origin.origins)) return reply.hijack();
      // A successor knows jobs and tokens that are not known here.
      await mustLead(options.services.edge);
    });
    app.setErrorHandler((error, request, reply) => this.#failed(error, request, reply));
    app.setNotFoundHandler((request, reply) => {
      if (options.mount?.handle(request.raw, reply.raw)) {
        reply.hijack();
        return;
      }
      const asked = `${request.method} ${request.url.slice(0, 100)}`;
      throw new ClusterError("not-found", `unknown call ${asked}; see docs/http-api.md`);
    });
    // Before the body is read: these calls have bodies whatever their method.
    const onRequest = (request: FastifyRequest, reply: FastifyReply) => {
      reply.hijack();
      options.p4.handle(request.raw, reply.raw, p4Below);
    };
    app.all(`${p4Below}/*`, { onRequest }, () => {});
    const [ofBytes, others] = [true, false].map((isIt) =>
      routes.filter(({ body }) => (body === "bytes") === isIt),
    ) as [Route[], Route[]];
    for (const route of others) this.#add(app, route);
    // In a scope of their own, since they accept any type of body, as a stream.
    app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
      for (const route of ofBytes) this.#add(scope, route);
    });
  }

  endCalls(): void {
    for (const call of this.#calls) call.abort();
  }

  /** Counts wrong tokens: above a limit the address is throttled. */
  refused(address: string, error: ClusterError): ClusterError {
    const nowMs = this.#options.services.loop.steadyMs();
    if (!this.#failures.failed(address, nowMs)) return error;
    const text = "too many calls without a good token came from this address; wait a minute";
    return new ClusterError("unavailable", text);
  }

  #newServer(): FastifyInstance {
    const { headerMaxBytes, headersTimeoutMs, jsonMaxBytes } = this.limits;
    const node = {
      maxHeaderSize: headerMaxBytes,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: Math.min(5_000, headersTimeoutMs),
      // Uploads may take long; see `bodyTimeoutMs`.
      requestTimeout: 0,
    };
    const common = {
      bodyLimit: jsonMaxBytes,
      exposeHeadRoutes: false,
      forceCloseConnections: true,
      requestTimeout: 0,
      keepAliveTimeout: 30_000,
      routerOptions: { maxParamLength: 200 },
      schemaController: { compilersFactory: noCompilers },
      frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
        this.#failed(error, request, reply);
      },
    } as const;
    const { certificate } = this.#options;
    if (certificate === null) return fastify({ ...common, http: node });
    const https = { ...node, ...certificate };
    return fastify({ ...common, https }) as unknown as FastifyInstance;
  }

  #add(scope: FastifyInstance, route: Route): void {
    scope.route({
      method: route.method,
      url: route.path,
      onRequest: async (request, reply) => {
        if (takesToken(route.access)) this.#principals.set(request, this.#admit(request, route));
        if (route.method === "POST" && route.body !== "bytes") this.#limitBody(request, reply);
      },
      preHandler: async (request) => this.#bodyTimers.get(request)?.(),
      handler: (request, reply) => this.#handle(route, request, reply),
    });
  }

  /** Runs before a byte of the body is read. */
  #admit(request: FastifyRequest, route: Route): Principal {
    const { auth, loop } = this.#options.services;
    const principal = auth.principal(bearer(request.headers));
    const { job } = request.params as { job?: string };
    const owner = route.path.includes(":job") ? jobOwner(loop.state, asJobId(job)) : undefined;
    const decided = verdict(route.access, principal, owner);
    if (decided === "forbidden") {
      throw forbidden(principal, `call ${route.method} ${route.path}`);
    }
    const isOthers = principal.role === "volunteer" && typeof owner === "string";
    if (isOthers && jobSpec(loop.state, asJobId(job))?.share === undefined) {
      throw noSuchJob(job ?? "");
    }
    if (decided === "hidden") throw noSuchJob(job ?? "");
    if (typeof owner === "string" && jobState(loop.state, asJobId(job)) === null) {
      throw goneJob({ loop }, asJobId(job));
    }
    return principal;
  }

  /** Until the body has been parsed; a long answer after that is not limited by this. */
  #limitBody(request: FastifyRequest, reply: FastifyReply): void {
    const timer = setTimeout(() => request.raw.destroy(), this.limits.bodyTimeoutMs);
    const clear = () => clearTimeout(timer);
    this.#bodyTimers.set(request, clear);
    reply.raw.once("close", clear);
  }

  async #handle(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    if (this.#calls.size >= this.limits.callsMax) {
      throw new ClusterError(
        "unavailable",
        `${this.limits.callsMax} calls are in progress; try again later`,
      );
    }
    const call = new AbortController();
    this.#calls.add(call);
    reply.raw.once("close", () => {
      this.#calls.delete(call);
      // The default reason of an abort has a stack, which is expensive.
      if (!reply.raw.writableFinished) call.abort();
    });
    const answer = await route.handle({
      services: this.#options.services,
      principal: this.#principals.get(request) as Principal,
      params: request.params as Record<string, string>,
      query: request.query as Record<string, unknown>,
      headers: request.headers,
      body: request.body,
      signal: call.signal,
    });
    return send(reply, answer);
  }

  #failed(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    let known = asClusterError(error, this.limits);
    if (known?.code === "unauthenticated") known = this.refused(request.ip, known);
    if (known === null) this.#options.onError(error);
    const told =
      known ?? new ClusterError("unavailable", "a bug of the coordinator; see its output");
    if (known !== null && known.code === "unavailable") reply.header("retry-after", "1");
    if (known?.code === "unauthenticated") reply.header("www-authenticate", "Bearer");
    const { code, retryable } = told;
    const body: ApiError = { code, message: withCommand(told), retryable };
    // The rest of the body is not waited for.
    if (!request.raw.complete) reply.header("connection", "close");
    void reply
      .code(known === null ? 500 : httpStatus[code])
      .type("application/json")
      .send(body);
  }
}

const plainHeaders = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer.kind === "lines") return sendLines(reply, answer);
  if (answer.kind === "live") return sendLive(reply, answer.stream);
  reply.headers(plainHeaders);
  if (answer.kind === "json") {
    return reply.type("application/json").send(JSON.stringify(answer.value));
  }
  reply.code(answer.status).headers(answer.headers);
  if (answer.stream === null) return reply.send();
  if (answer.stream instanceof Uint8Array) {
    const { buffer, byteOffset, byteLength } = answer.stream;
    return reply.send(Buffer.from(buffer, byteOffset, byteLength));
  }
  return reply.send(Readable.from(answer.stream, { objectMode: false }));
}

/** Written by hand: streams cost more than the short tasks that this is for. */
function sendLines(
  reply: FastifyReply,
  { first, rest }: Extract<Answer, { kind: "lines" }>,
): FastifyReply {
  const { raw } = reply.hijack();
  raw.writeHead(200, { ...plainHeaders, "content-type": "application/x-ndjson" });
  raw.write(first);
  rest.then(
    (bytes) => (bytes === null ? raw.end() : raw.end(bytes)),
    // Cut off, so that the reader does not take it for the whole answer.
    () => raw.destroy(),
  );
  return reply;
}

/** By hand: a stream that is given to Fastify has no head before its first bytes, and a client
 *  cannot tell that from a coordinator that does not answer. */
function sendLive(reply: FastifyReply, stream: AsyncIterable<Uint8Array>): FastifyReply {
  const { raw } = reply.hijack();
  raw.writeHead(200, { ...plainHeaders, "content-type": "application/x-ndjson" });
  raw.flushHeaders();
  pipeline(Readable.from(stream, { objectMode: false }), raw, () => raw.destroy());
  return reply;
}

/** Null for what is a bug of ours. */
function asClusterError(error: unknown, limits: ServeLimits): ClusterError | null {
  if (error instanceof ClusterError) return error;
  const { code, message, statusCode } = error as {
    code?: string;
    message?: string;
    statusCode?: number;
  };
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    const text = `the body is above ${limits.jsonMaxBytes} bytes; upload large data as blobs`;
    return new ClusterError("limit-exceeded", text);
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ClusterError("bad-request", `${message}`);
  }
  return null;
}
