/** The files of members as a worker reads them: it asks the coordinator, as any user, who has them
 *  and for tickets. */

import { hostId } from "../../link/host.ts";
import { refuserFor } from "../../peer/addresses.ts";
import { SharedInputs, type Wanted } from "../../peer/input/shared-input.ts";
import { MasterCalls } from "../../peer/master/call.ts";
import { Catalogue } from "../../peer/master/sources.ts";
import type { RelayAddress } from "../relay-address.ts";

export function openSharedInputs(coordinator: RelayAddress, idleMs: number): SharedInputs {
  let calls: MasterCalls | null = null;
  let bearer = "";
  let at = "";
  const find = (wanted: Wanted) => {
    const { credential, fingerprint, url } = coordinator;
    if (calls === null || credential() !== bearer || url !== at) {
      [bearer, at] = [credential(), url];
      calls = new MasterCalls({ url: new URL("/p4", url).href, fingerprint, bearer });
    }
    return new Catalogue(calls).find(wanted);
  };
  // As far inside as the coordinator that named them.
  const refuse = (ip: string) => refuserFor(calls?.reach ?? "world")(ip);
  return new SharedInputs({ find, refuse, host: hostId(), idleMs });
}
