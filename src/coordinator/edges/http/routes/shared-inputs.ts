/** Shared files as inputs of jobs: at planning, the content that a name stands for, and the machine
 *  where it lies. */
import { ClusterError } from "../../../../core/error.ts";
import type { Hash } from "../../../../core/ids.ts";
import { workerIds, workerSpecs } from "../../../../core/view.ts";
import type { SharedInput } from "../../../../wire/api/messages.ts";
import { parseExchange } from "../../../../wire/p4/shuffle.ts";
import type { Loop } from "../../../loop/loop.ts";
import type { Members } from "../../../members/members.ts";
import { type Answer, type Call, json, type Route } from "../route.ts";

/** Files that one call may name. */
const inputsMax = 100_000;

/** A file by its name, or all files below it as a folder, in the order of their names. */
function inputs({ query, services }: Call): Answer {
  const name = typeof query.name === "string" ? query.name.replace(/\/+$/, "") : "";
  const { members } = services;
  const names = members.names();
  // A name that ends with a slash is an empty folder.
  const isBelow = (one: string) => one.startsWith(`${name}/`) && !one.endsWith("/");
  const wanted = names.includes(name) ? [name] : names.filter(isBelow);
  if (name === "" || wanted.length === 0) {
    const text = `no member shares "${name.slice(0, 200)}" now; \`tequio ls\` lists what is shared`;
    throw new ClusterError("not-found", text);
  }
  if (wanted.length > inputsMax) {
    throw new ClusterError("limit-exceeded", `there are ${wanted.length} files below ${name}`);
  }
  const hosts = hostsByAddress(services);
  return json({ files: wanted.map((one) => inputOf(one, members, hosts)) });
}

function inputOf(name: string, members: Members, hosts: ReadonlyMap<string, string>): SharedInput {
  const sources = members.sources({ name });
  const file = sources[0]?.file;
  const root: Hash | null = file?.root ?? null;
  const sizeBytes = file?.sizeBytes ?? null;
  if (root === null || sizeBytes === null) {
    const text =
      `the owner of ${name} reports neither root nor size, so its bytes cannot be verified; ` +
      `fetch it with \`tequio get\` and use the copy`;
    throw new ClusterError("bad-request", text);
  }
  const places = sources.map(({ owner }) => hosts.get(owner.address?.host ?? ""));
  return { name, root, sizeBytes, host: places.find((host) => host !== undefined) ?? "" };
}

/** Machines of workers, by the address at which they are reached: a member that is reached there is
 *  on the same machine. Only a hint for placement; what is read is verified wherever it is. */
function hostsByAddress({ host, loop }: { readonly host: string; readonly loop: Loop }) {
  const hosts = new Map([
    ["127.0.0.1", host],
    ["::1", host],
  ]);
  for (const worker of workerIds(loop.state)) {
    const specs = workerSpecs(loop.state, worker);
    const address = parseExchange(specs?.exchangeUrl ?? "");
    if (address !== null && specs !== null) hosts.set(address.host, specs.host);
  }
  return hosts;
}

export const sharedInputRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/shared-inputs",
    access: ["fetch-shared"],
    exchange: "→ { files: SharedInput[] }; `?name=` of a shared file, or of a folder of them",
    handle: inputs,
  },
];
