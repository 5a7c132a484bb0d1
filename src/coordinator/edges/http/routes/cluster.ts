/** The cluster itself over HTTP: health, workers, tokens, shutdown. */
import { ClusterError } from "../../../../core/error.ts";
import { tokenRecords, workerSummaries } from "../../../../core/view.ts";
import type { Health, Stopped, TokenRevoked, TokenView } from "../../../../wire/api/messages.ts";
import type { Services } from "../../../services.ts";
import { parseTokenRequest } from "../bodies.ts";
import { type Answer, type Call, json, type Route } from "../route.ts";

function health({ services }: Call): Answer {
  const { host, loop, standbys, version } = services;
  const known = { ok: true, version, epoch: loop.epoch, host } as const;
  const answer = standbys === null ? known : { ...known, coordinators: besideNow(services) };
  return json(answer satisfies Health);
}

/** Addresses of those that stand by and listen already. */
function besideNow({ standbys }: Services): readonly string[] {
  return (standbys?.list() ?? []).filter((url) => url !== "");
}

/** With `handOver` another coordinator goes on at once; without one nothing ends. */
async function shutdown({ body, services }: Call): Promise<Answer> {
  const { onShutdown, standbys } = services;
  const isHandOver = (body as { readonly handOver?: unknown } | null)?.handOver === true;
  if (isHandOver && (await standbys?.someone()) !== true) {
    const text = "no coordinator stands by that could go on: start one with `tequio up --standby`";
    throw new ClusterError("conflict", `${text} and the same --log, then try again`);
  }
  const coordinators = besideNow(services);
  // After the answer has left.
  setImmediate(onShutdown);
  return json({ coordinators } satisfies Stopped);
}

function workers({ services: { edge, loop, relayed } }: Call): Answer {
  const narrowLinks = edge.narrowLinks.list(loop.steadyMs());
  const all = workerSummaries(loop.state, loop.nowMs()).map((one) => {
    const unreached = one.state === "live" ? relayed.of(one.worker) : null;
    const narrow = narrowLinks.find(({ who }) => who === one.worker);
    return {
      ...one,
      ...(unreached === null ? {} : { unreached }),
      ...(narrow === undefined ? {} : { narrow }),
    };
  });
  return json({ workers: all });
}

function tokens({ services }: Call): Answer {
  const views = tokenRecords(services.loop.state).map(
    ({ id, role, owner, expiresAtMs, usesMax, uses, revoked }): TokenView => ({
      id,
      role,
      owner,
      expiresAtMs,
      usesMax,
      uses,
      revoked,
    }),
  );
  return json({ tokens: views });
}

async function revoke({ services, params, query }: Call): Promise<Answer> {
  const id = params.id ?? "";
  const withMembers = query.members === "1";
  const members = await services.auth.revoke(id, withMembers);
  for (const gone of withMembers ? [id, ...members] : [id]) {
    services.edge.revoked(gone);
    services.tracker.revoked(gone);
  }
  return json({ members } satisfies TokenRevoked);
}

async function metrics({ services }: Call): Promise<Answer> {
  const { loop, metrics } = services;
  const now = { atMs: loop.nowMs(), position: loop.position };
  const { contentType, text } = await metrics.scrape(loop.state, now);
  const headers = { "content-type": contentType };
  return { kind: "bytes", status: 200, headers, stream: new TextEncoder().encode(text) };
}

export const clusterRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/health",
    access: "none",
    exchange: "→ Health",
    handle: health,
  },
  {
    method: "GET",
    path: "/metrics",
    access: ["read-any"],
    exchange: "→ the text of Prometheus",
    handle: metrics,
  },
  {
    method: "GET",
    path: "/v1/workers",
    access: ["read-workers"],
    exchange: "→ { workers: WorkerSummary[] }",
    handle: workers,
  },
  {
    method: "POST",
    path: "/v1/tokens",
    access: ["manage-tokens"],
    exchange: "TokenRequest → TokenAnswer (the only time the token is shown)",
    handle: async ({ services, body }) => json(await services.auth.issue(parseTokenRequest(body))),
  },
  {
    method: "GET",
    path: "/v1/tokens",
    access: ["manage-tokens"],
    exchange: "→ { tokens: TokenView[] }",
    handle: tokens,
  },
  {
    method: "DELETE",
    path: "/v1/tokens/:id",
    access: ["manage-tokens"],
    exchange: "→ { members } that it let in: they stay, or go with `?members=1`",
    handle: revoke,
  },
  {
    method: "POST",
    path: "/v1/shutdown",
    access: ["shutdown"],
    exchange: "{ handOver? } → Stopped; with it, only if another stands by",
    handle: shutdown,
  },
];
