/** Workers as pods of a Deployment of Kubernetes, which starts again what dies; the token is in a
 *  Secret. */
import { setTimeout as delay } from "node:timers/promises";
import { type Ran, ran } from "./ran.ts";
import type { Scheduler, Unit, WorkerTerms } from "./scheduler.ts";
import { joinWords } from "./worker-line.ts";

export type KubernetesOptions = {
  /** Of the Deployment and the Secret: the same for the same coordinator. */
  readonly name: string;
  readonly image: string;
  /** For kubectl, as `--namespace=lab`. */
  readonly options: readonly string[];
  readonly run?: Ran;
};

type Pods = {
  readonly items: ReadonlyArray<{
    readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
    readonly status?: { readonly phase?: string };
  }>;
};

const askEveryMs = 1_000;
/** Of a pod's grace period: for the last reports after the drain, s. */
const headS = 10;
/** Lower is deleted first; pods without one have 0. */
const deletedFirst = "controller.kubernetes.io/pod-deletion-cost=-100";

export class KubernetesWorkers implements Scheduler {
  readonly #terms: WorkerTerms;
  readonly #options: KubernetesOptions;
  readonly #run: Ran;
  /** What the Deployment was set to; null = nothing yet. */
  #replicas: number | null = null;

  constructor(terms: WorkerTerms, options: KubernetesOptions) {
    this.#terms = terms;
    this.#options = options;
    this.#run = options.run ?? ran;
  }

  script(count: number): string {
    return manifests(this.#terms, { ...this.#options, replicas: count, token: "…" });
  }

  async units(): Promise<readonly Unit[]> {
    const { name } = this.#options;
    const text = await this.#kubectl("get", "pods", `--selector=app=${name}`, "--output=json");
    return (JSON.parse(text) as Pods).items.flatMap(({ metadata, status }): Unit[] => {
      const phase = status?.phase ?? "Pending";
      if (!["Pending", "Running"].includes(phase)) return [];
      const isLeaving = metadata.deletionTimestamp !== undefined;
      const state = isLeaving ? "leaving" : phase === "Running" ? "running" : "pending";
      return [{ id: metadata.name, worker: metadata.name, state }];
    });
  }

  async start(count: number): Promise<number> {
    if (count < 1) return 0;
    const known = (await this.units()).filter(({ state }) => state !== "leaving").length;
    const replicas = known + count;
    if (this.#replicas === null) {
      const terms = { ...this.#options, replicas, token: this.#terms.token };
      await this.#kubectl("apply", "--filename=-", { input: manifests(this.#terms, terms) });
    } else await this.#scale(replicas);
    this.#replicas = replicas;
    return count;
  }

  async end(units: readonly Unit[]): Promise<void> {
    if (units.length === 0) return;
    const pods = units.map(({ id }) => `pod/${id}`);
    await this.#kubectl("annotate", "--overwrite", ...pods, deletedFirst);
    const gone = new Set(units.map(({ id }) => id));
    const rest = (await this.units()).filter(
      ({ id, state }) => !gone.has(id) && state !== "leaving",
    );
    this.#replicas = rest.length;
    await this.#scale(this.#replicas);
  }

  async close(graceMs: number): Promise<void> {
    const { name } = this.#options;
    const both = [`deployment/${name}`, `secret/${name}`];
    await this.#kubectl("delete", "--ignore-not-found", "--wait=false", ...both);
    const untilMs = performance.now() + graceMs;
    while ((await this.units()).length > 0 && performance.now() < untilMs) await delay(askEveryMs);
  }

  async #scale(replicas: number): Promise<void> {
    const { name } = this.#options;
    await this.#kubectl("scale", `deployment/${name}`, `--replicas=${replicas}`);
  }

  #kubectl(...words: ReadonlyArray<string | { readonly input: string }>): Promise<string> {
    const args = words.filter((word) => typeof word === "string");
    const input = words.find((word) => typeof word === "object");
    return this.#run(["kubectl", ...this.#options.options, ...args], input);
  }
}

type Manifested = KubernetesOptions & { readonly replicas: number; readonly token: string };

/** One document: kubectl reads JSON as well as YAML. */
function manifests(terms: WorkerTerms, { image, name, replicas, token }: Manifested): string {
  const labels = { app: name };
  const args = [...joinWords(terms), "--name", "$(POD)"];
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, labels },
    type: "Opaque",
    stringData: { token },
  };
  const container = {
    name: "worker",
    image,
    args,
    env: [
      { name: "TEQUIO_TOKEN", valueFrom: { secretKeyRef: { name, key: "token" } } },
      { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    ],
    resources: { requests: { cpu: String(terms.slots) } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
  };
  const pod = {
    terminationGracePeriodSeconds: terms.drainS + headS,
    automountServiceAccountToken: false,
    // What the profile "restricted" of a namespace asks for.
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    containers: [container],
  };
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: pod },
    },
  };
  const list = { apiVersion: "v1", kind: "List", items: [secret, deployment] };
  return `${JSON.stringify(list, null, 2)}\n`;
}
