/** What `tequio scale k8s --dry-run` prints, by the published definitions of Kubernetes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";
import { problemsOf, published } from "./published.ts";

type Pod = {
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: object;
  readonly containers: ReadonlyArray<{
    readonly args: readonly string[];
    readonly securityContext: object;
  }>;
};
type Manifest = { readonly items: ReadonlyArray<{ readonly kind: string }> };

test("the manifest of --dry-run has the fields that Kubernetes knows", async (t) => {
  const place = new Place(t);
  const where = ["scale", "k8s", "--image", "registry/tequio:2", "--max", "3", "--slots", "2"];
  const more = ["--join", "https://host:7070", "--fingerprint", "ab", "--drain", "90s"];
  const dry = await place.run(...where, ...more, "--lifetime", "1h", "--dry-run");
  assert.equal(dry.code, 0, dry.err);
  const { items, ...list } = JSON.parse(dry.out) as Manifest;
  assert.deepEqual(list, { apiVersion: "v1", kind: "List" });
  assert.deepEqual(
    items.map(({ kind }) => kind),
    ["Secret", "Deployment"],
  );
  assert.deepEqual(items.flatMap(problemsOf), [], `of version ${published.version}`);
  const { spec } = (items[1] as unknown as { spec: { template: { spec: Pod } } }).spec.template;
  const [container] = spec.containers;
  assert.ok(spec.terminationGracePeriodSeconds >= 95, "longer than the drain");
  const args = container!.args.join(" ");
  assert.match(args, /^join https:\/\/host:7070 .*--drain 90s --lifetime 3600s/);
  // The profile "restricted" of Pod Security Standards.
  assert.deepEqual(spec.securityContext, {
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  });
  assert.deepEqual(container!.securityContext, {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
  });
});

test("a manifest that Kubernetes would refuse is found", () => {
  const pod = { containers: [{ name: "w", args: "join", resources: { requests: { cpu: 1 } } }] };
  const deployment = {
    apiVersion: "apps/v2",
    kind: "Deployment",
    metadata: { name: "w", labels: { app: 1 } },
    spec: { template: { spec: { ...pod, terminationGracePeriod: 30 } } },
  };
  assert.deepEqual(problemsOf(deployment), [
    'Deployment.apiVersion is not "apps/v1"',
    "Deployment.metadata.labels.app is no string",
    "Deployment.spec.selector is missing",
    "Deployment.spec.template.spec.containers[0].args is no list",
    "Deployment.spec.template.spec.containers[0].resources.requests.cpu is no quantity",
    "Deployment.spec.template.spec.terminationGracePeriod is no field of PodSpec",
  ]);
  assert.deepEqual(problemsOf({ kind: "Job" }), ["Job: types.json has no Job"]);
});
