/** The coordinator's own access to the bytes of shared files, for inputs that a worker cannot
 *  reach. */
import { ClusterError } from "../../core/error.ts";
import { refuserFor } from "../../peer/addresses.ts";
import type { Found } from "../../peer/found.ts";
import { SharedInputs, type Wanted } from "../../peer/input/shared-input.ts";
import type { Loop } from "../loop/loop.ts";
import type { Members } from "./members.ts";
import { ownRequester, type Tickets } from "./tickets.ts";

type Parts = {
  readonly loop: Loop;
  readonly members: Members;
  readonly tickets: Tickets;
  readonly host: string;
};

/** Longest silence of a member, ms. */
const idleMs = 30_000;

export function openSharedInputs(parts: Parts): SharedInputs {
  const find = async (wanted: Wanted) => found(parts, wanted);
  return new SharedInputs({ find, refuse: refuserFor("machine"), host: parts.host, idleMs });
}

/** The answer of `get_file`, for the coordinator itself. */
function found({ loop, members, tickets }: Omit<Parts, "host">, wanted: Wanted): Found {
  const by = "root" in wanted ? wanted : { name: wanted.file_name };
  const sources = members.sources(by);
  const [first] = sources;
  if (first === undefined) throw new ClusterError("not-found", "no member offers it now");
  const { name, root, sizeBytes } = first.file;
  return {
    name,
    root,
    sizeBytes,
    sources: sources.flatMap(({ file, owner }) => {
      if (owner.address === null) return [];
      const terms = { source: owner.name, fileName: file.name, root: file.root };
      return [
        {
          name: owner.name,
          address: { fingerprint: "", ...owner.address },
          fileName: file.name,
          credential: async () =>
            tickets.issue({ ...terms, requester: ownRequester }, loop.steadyMs()),
        },
      ];
    }),
  };
}
