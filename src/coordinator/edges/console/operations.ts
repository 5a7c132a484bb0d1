/** What each operation of the console does to the catalogue, and its result.
 *
 *  1. Users act only as themselves: the console sees peers of P4, but cannot act for them.
 *  2. A connected user stays connected while its listener answers; once that is dead, the next
 *     CONNECT replaces it. */
import type { MemberAddress, MemberRecord } from "../../../core/catalogue.ts";
import { ClusterError } from "../../../core/error.ts";
import { barredBy, type UserState } from "../../../wire/console/legality.ts";
import type { ConnectedUser, ConsoleRequest, Outcome } from "../../../wire/console/messages.ts";
import type { Members } from "../../members/members.ts";
import type { Presence } from "./presence.ts";

export type Result =
  | { readonly outcome: Outcome }
  | { readonly outcome: "ok"; readonly users: readonly ConnectedUser[] }
  | { readonly outcome: "ok"; readonly paths: readonly string[] };

export type OperationsOptions = {
  readonly members: Members;
  readonly presence: Presence;
  /** Other names are answered `other`; null = any name is allowed. */
  readonly users: ReadonlySet<string> | null;
};

export class Operations {
  readonly #options: OperationsOptions;

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /** `host` is the address of the connection. Never rejects: a failure is answered `other`. */
  async perform(request: ConsoleRequest, host: string): Promise<Result> {
    const { users } = this.#options;
    if (users !== null && !users.has(request.user)) return { outcome: "other" };
    try {
      return await this.#perform(request, host);
    } catch (error) {
      if (error instanceof ClusterError) return { outcome: "other" };
      throw error;
    }
  }

  async #perform(request: ConsoleRequest, host: string): Promise<Result> {
    const { members } = this.#options;
    const { operation, user } = request;
    if (operation === "REGISTER") {
      // Their owner cannot be known: the protocol has no authentication.
      return { outcome: await outcomeOf(members.registerUser(user, ""), "name-in-use") };
    }
    const member = this.#userNamed(user);
    const barred = barredBy(operation, stateOf(member));
    if (barred !== null || member === null) return { outcome: barred ?? "no-user" };
    if (operation === "UNREGISTER") {
      return { outcome: await outcomeOf(members.unregister(user), "no-user") };
    }
    if (operation === "CONNECT") {
      return { outcome: await this.#connect(member, { host, port: request.port }) };
    }
    switch (operation) {
      case "DISCONNECT":
        return { outcome: await outcomeOf(members.disconnect(user), "not-connected") };
      case "PUBLISH":
        return { outcome: await this.#publish(member, request) };
      case "DELETE":
        return { outcome: await this.#withdraw(member, request.path) };
      case "LIST_USERS":
        return { outcome: "ok", users: this.#connectedUsers() };
      case "LIST_CONTENT": {
        const remote = members.find(request.remote);
        if (remote === null) return { outcome: "no-remote-user" };
        return { outcome: "ok", paths: [...remote.files.keys()] };
      }
    }
  }

  async #connect(member: MemberRecord, address: MemberAddress): Promise<Outcome> {
    const { members, presence } = this.#options;
    const { name } = member;
    if (member.address !== null) {
      const known = member.address;
      if (await presence.isAlive(member)) return "connected-already";
      // Another client may have seen it too, and taken its place.
      if (this.#userNamed(name)?.address === known) {
        await outcomeOf(members.disconnect(name, "silent"), "ok");
      }
    }
    if (this.#userNamed(name) === null) return "no-user";
    const outcome = await outcomeOf(members.connect(name, address, 0), "connected-already");
    if (outcome === "ok") presence.connected(name);
    return outcome;
  }

  async #publish(
    member: MemberRecord,
    { path, description }: { readonly path: string; readonly description: string },
  ): Promise<Outcome> {
    if (member.files.has(path)) return "published-already";
    // Its content is not known: no client sends it, see docs/protocols/console.md.
    const file = { name: path, description, root: null, sizeBytes: null };
    const published = this.#options.members.publish(member.name, [file], "refuse");
    return outcomeOf(published, "published-already");
  }

  async #withdraw(member: MemberRecord, path: string): Promise<Outcome> {
    if (!member.files.has(path)) return "not-published";
    return outcomeOf(this.#options.members.withdraw(member.name, [path]), "not-published");
  }

  #userNamed(name: string): MemberRecord | null {
    const member = this.#options.members.find(name);
    return member?.kind === "user" ? member : null;
  }

  #connectedUsers(): ConnectedUser[] {
    const { members } = this.#options;
    return members.list().flatMap((member) => {
      const { name, address } = member;
      return address !== null && members.isHere(member) ? [{ name, ...address }] : [];
    });
  }
}

function stateOf(member: MemberRecord | null): UserState {
  if (member === null) return "absent";
  return member.address === null ? "registered" : "connected";
}

/** `lost` is what a refusal means when another caller came first. */
async function outcomeOf(done: Promise<void>, lost: Outcome): Promise<Outcome> {
  try {
    await done;
    return "ok";
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    const someoneCameFirst = error.code === "conflict" || error.code === "not-found";
    return someoneCameFirst ? lost : "other";
  }
}
