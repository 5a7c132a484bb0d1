/** I11 and its neighbours: what holds of members and the catalogue after every step. */
import { catalogueLimits } from "../catalogue.ts";
import { assert } from "../error.ts";
import type { Sharing } from "./members.ts";

/** Cost: one pass over all files. */
export function checkSharing({ members, offers, peers }: Sharing): void {
  assert(members.size <= catalogueLimits.membersMax, "I20: more members than may be");
  assert(offers.count <= catalogueLimits.filesMax, "I20: more files than may be");
  let files = 0;
  let tokens = 0;
  for (const [name, member] of members) {
    assert(member.name === name, `I11: ${name} is listed as ${member.name}`);
    if (member.kind === "peer") {
      tokens++;
      assert(member.address !== null, `I11: peer ${name} is a member and not connected`);
      assert(peers.get(member.tokenHash) === member, `I11: the token of ${name} names another`);
    }
    files += member.files.size;
  }
  if (tokens !== peers.size) assert(false, `I11: ${peers.size} tokens of ${tokens} peers`);
  if (files !== offers.count) {
    assert(false, `I16: members have ${files} files, ${offers.count} are counted`);
  }
  let named = 0;
  let rooted = 0;
  for (const { owner, file } of offers.all()) {
    named++;
    if (file.root !== null) rooted++;
    const holds = members.get(owner.name) === owner && owner.files.get(file.name) === file;
    if (!holds) assert(false, `I11: ${file.name} is offered by ${owner.name}, which has left it`);
  }
  for (const copies of offers.contents()) {
    const [first] = copies;
    for (const { file } of copies) {
      rooted--;
      const isSame = file.root !== null && file.root === first?.file.root;
      if (!isSame) assert(false, `I11: ${file.name} is found under ${first?.file.root}`);
    }
  }
  if (named !== files) {
    assert(false, `I11: ${named} entries are found by name, ${files} by owner`);
  }
  if (rooted !== 0) assert(false, `I11: contents name ${-rooted} files too many`);
}
