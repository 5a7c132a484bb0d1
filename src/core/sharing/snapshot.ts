/** The catalogue as plain JSON and back, in its three orders: names, contents, each member's own.
 *
 *  Every file is written once, in the order of names; the other orders are lists of its number,
 *  since a catalogue may have a million of them. */
import type { MemberRecord } from "../catalogue.ts";
import { emptySharing, type Sharing } from "./members.ts";
import type { Offer } from "./offers.ts";

type SavedFile = [
  /** Place of its owner among the members. */
  owner: number,
  name: string,
  description: string,
  root: string | null,
  sizeBytes: number | null,
];

export type SavedSharing = {
  /** `files`: numbers of its files, in its own order. */
  members: Array<Omit<MemberRecord, "files"> & { files: number[] }>;
  files: SavedFile[];
  /** By content: numbers of the files that have it. */
  roots: number[][];
};

export function saveSharing({ members, offers }: Sharing): SavedSharing {
  const places = new Map([...members.values()].map((member, place) => [member, place]));
  const files: SavedFile[] = [];
  for (const offer of offers.all()) {
    offer.number = files.length;
    const { name, description, root, sizeBytes } = offer.file;
    files.push([places.get(offer.owner) as number, name, description, root, sizeBytes]);
  }
  return {
    members: [...members.values()].map((member) => ({
      ...member,
      files: [...member.files.keys()].map((name) => offers.find(member, name).number),
    })),
    files,
    roots: [...offers.contents()].map((copies) => copies.map(({ number }) => number)),
  };
}

/** `undefined`: a snapshot from before there were members. */
export function loadSharing(saved: SavedSharing | undefined): Sharing {
  const sharing = emptySharing();
  if (saved === undefined) return sharing;
  const owners = saved.members.map((member) => ({ ...member, files: new Map() }) as MemberRecord);
  for (const member of owners) {
    sharing.members.set(member.name, member);
    if (member.kind === "peer") sharing.peers.set(member.tokenHash, member);
  }
  const offers: Offer[] = saved.files.map(([owner, name, description, root, sizeBytes]) =>
    sharing.offers.putUnderName(owners[owner] as MemberRecord, {
      name,
      description,
      root,
      sizeBytes,
    }),
  );
  for (const [place, { files }] of saved.members.entries()) {
    const member = owners[place] as MemberRecord;
    for (const number of files) {
      const { file } = offers[number] as Offer;
      member.files.set(file.name, file);
    }
  }
  for (const numbers of saved.roots) {
    for (const number of numbers) sharing.offers.enterRoot(offers[number] as Offer);
  }
  return sharing;
}
