/** What is shared, in a master's catalogue: under a name of which there is one at a time. */
import { hostname } from "node:os";
import { join } from "node:path";
import { readPrivate, writePrivate } from "../../coordinator/access/private-file.ts";
import { ClusterError } from "../../core/error.ts";
import { parseListen } from "../../link/listen.ts";
import { sha256Hex } from "../../peer/hashing/sha256.ts";
import { MasterCalls, MasterRefusal } from "../../peer/master/call.ts";
import { Membership } from "../../peer/master/membership.ts";
import type { Sharing } from "../../peer/share/sharing.ts";
import { makeDirectory } from "../../store/directory.ts";
import { type FileLock, lockFile } from "../../store/log/lock.ts";
import { refusalWords } from "../../wire/p4/refusals.ts";
import { findMaster, type Master, type MasterOptions, stateDirOf } from "./master.ts";

export type Listing = {
  readonly clientId: string;
  publish(): Promise<void>;
  leave(): Promise<void>;
};

/** A second `share` on one machine gets the next of these names. */
const namesMax = 20;

/** What is offered, and how its tickets are asked about. */
export type Offer = Pick<Sharing, "listed" | "port" | "fingerprint" | "setRedeem" | "onChange">;

export type ListingOptions = MasterOptions & {
  readonly as?: string;
  readonly ttl: number;
  readonly listen: string;
};

export async function joinCatalogue(
  sharing: Offer,
  options: ListingOptions,
  onNews: (text: string) => void,
): Promise<Listing> {
  const master = await findMaster(options);
  const { clientId, lock, membership } = await register(sharing, { options, master, onNews });
  const publish = () =>
    membership.publish(
      sharing
        .listed()
        .map(({ name, root, sizeBytes }) => ({ name, root, sizeBytes, description: "" })),
    );
  const leave = async () => {
    await membership
      .leave()
      .catch((error: Error) => onNews(`this peer is not unregistered: ${error.message}`));
    lock.release();
  };
  try {
    await publish();
  } catch (error) {
    await leave();
    throw error;
  }
  sharing.setRedeem(
    (ticket) => membership.redeem(ticket),
    (tickets) => membership.redeemMany(tickets),
  );
  sharing.onChange(() => {
    publish().catch((error: Error) =>
      onNews(`the list of files is not published: ${error.message}`),
    );
  });
  return { clientId, publish, leave };
}

type Wish = {
  readonly options: ListingOptions;
  readonly master: Master;
  readonly onNews: (text: string) => void;
};

async function register(sharing: Offer, { options, master, onNews }: Wish) {
  const calls = new MasterCalls(master);
  const wanted = options.as ?? hostname();
  const names = options.as === undefined ? namesMax : 1;
  for (let n = 1; n <= names; n++) {
    const clientId = n === 1 ? wanted : `${wanted}-${n}`;
    const life = lifeOf(master.url, clientId);
    if (life === null) continue;
    try {
      const membership = await Membership.join({
        calls,
        clientId,
        address: { host: parseListen(options.listen).host, port: sharing.port },
        fingerprint: sharing.fingerprint,
        genericToken: master.genericToken,
        ttlMs: options.ttl,
        tokenBefore: life.token,
        onToken: life.keep,
        onNews,
      });
      return { clientId, membership, lock: life.lock };
    } catch (error) {
      life.lock.release();
      const isTaken = error instanceof MasterRefusal && error.words === refusalWords.nameTaken;
      if (!isTaken) throw error;
    }
  }
  throw new ClusterError(
    "conflict",
    `the name ${wanted} is taken in the catalogue; choose another with --as`,
  );
}

type Life = {
  readonly lock: FileLock;
  readonly token: string;
  readonly keep: (token: string) => void;
};

/** The token of a former life of this name, which was killed: it goes on instead of waiting for its
 *  own TTL. Null when another process has the name. */
function lifeOf(url: string, clientId: string): Life | null {
  const dir = join(stateDirOf(), "peers");
  makeDirectory(dir);
  const path = join(dir, sha256Hex(`${url}\n${clientId}`).slice(0, 32));
  const lock = lockFile(`${path}.lock`, false);
  if (lock === null) return null;
  return {
    lock,
    token: readPrivate(`${path}.token`) ?? "",
    keep: (token) => writePrivate(`${path}.token`, token),
  };
}
