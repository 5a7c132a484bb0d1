/** The browsers and gateways of a simulated world, and the faults that hit them. */
import type { Fault, Undo } from "./faults.ts";
import { SimBareBrowser } from "./members/basic-browser.ts";
import { SimGateway } from "./members/gateway.ts";
import { SimTab } from "./members/tab.ts";
import { coordinatorName } from "./world/names.ts";
import type { SimRelay } from "./world/relay.ts";
import type { World } from "./world/world.ts";

/** A browser window with the page that is open in it now. */
export type TabSeat = { readonly name: string; readonly slots: number; tab: SimTab; life: number };
type BareSeat = { readonly name: string; browser: SimBareBrowser };
type GatewaySeat = { readonly name: string; gateway: SimGateway };

export class Browsers {
  readonly tabs: readonly TabSeat[];
  readonly bare: readonly BareSeat[];
  readonly gateways: readonly GatewaySeat[];
  readonly #world: World;
  readonly #relay: SimRelay;
  readonly #names: readonly string[];

  constructor(world: World, relay: SimRelay) {
    const { bare, gateways, tabs } = world.shape.browsers;
    this.#world = world;
    this.#relay = relay;
    this.gateways = Array.from({ length: gateways }, (_, index) => {
      const name = `gateway-${index}`;
      return { name, gateway: new SimGateway(world, name) };
    });
    this.#names = this.gateways.map(({ name }) => name);
    this.tabs = tabs.map((slots, index) => {
      const name = `tab-${index}`;
      return { name, slots, tab: this.#page({ name, slots, life: 1 }, null), life: 1 };
    });
    this.bare = Array.from({ length: bare }, (_, index) => {
      const name = `browser-${index}`;
      return { name, browser: new SimBareBrowser(world, name, this.#names) };
    });
  }

  get acts() {
    return { ...this.#onTabs(), ...this.#onTabLinks(), ...this.#onGateways() };
  }

  /** Ends all faults and restarts what was stopped. */
  heal(): void {
    for (const seat of this.tabs) this.#openAgain(seat, null);
    for (const seat of this.bare) this.#startBare(seat);
    for (const seat of this.gateways) this.#startGateway(seat);
  }

  #page(seat: Pick<TabSeat, "name" | "slots" | "life">, before: SimTab | null): SimTab {
    return new SimTab(this.#world, { ...seat, gateways: this.#names, before });
  }

  #openAgain(seat: TabSeat, before: SimTab | null): void {
    if (seat.tab.process.life !== "dead") return;
    seat.life += 1;
    seat.tab = this.#page(seat, before);
  }

  #startBare(seat: BareSeat): void {
    if (seat.browser.process.life !== "dead") return;
    seat.browser = new SimBareBrowser(this.#world, seat.name, this.#names);
  }

  #startGateway(seat: GatewaySeat): void {
    if (seat.gateway.process.life !== "dead") return;
    seat.gateway = new SimGateway(this.#world, seat.name);
  }

  #tab(fault: Fault): TabSeat | undefined {
    return this.tabs[fault.target % this.tabs.length];
  }

  #gateway(fault: Fault): GatewaySeat | undefined {
    return this.gateways[fault.target % this.gateways.length];
  }

  /** Sometimes a basic browser is closed instead. */
  #killBare(fault: Fault, said: boolean): Undo | null {
    const seat = this.bare[fault.target % this.bare.length];
    if (seat === undefined || fault.draw > 0.3 || seat.browser.process.life === "dead") return null;
    seat.browser.process.kill(said);
    return () => this.#startBare(seat);
  }

  #onTabs() {
    return {
      "tab-closed": (fault: Fault) => {
        const bare = this.#killBare(fault, true);
        if (bare !== null) return bare;
        const seat = this.#tab(fault);
        if (seat?.tab.process.up !== true) return null;
        // Half of the time the browser gives it no chance to disconnect.
        if (fault.draw < 0.5) seat.tab.close();
        seat.tab.process.kill(true);
        return () => this.#openAgain(seat, null);
      },
      "tab-reloaded": (fault: Fault) => {
        const seat = this.#tab(fault);
        if (seat?.tab.process.up !== true) return null;
        const before = seat.tab;
        before.process.kill(true);
        return () => this.#openAgain(seat, before);
      },
      "tab-power": (fault: Fault) => {
        const bare = this.#killBare(fault, false);
        if (bare !== null) return bare;
        const seat = this.#tab(fault);
        if (seat === undefined || seat.tab.process.life === "dead") return null;
        const before = seat.tab;
        before.process.kill(false);
        // Browsers offer to restore closed pages.
        return () => this.#openAgain(seat, fault.draw < 0.7 ? before : null);
      },
      "tab-frozen": (fault: Fault) => {
        const process = this.#tab(fault)?.tab.process;
        if (process?.up !== true) return null;
        process.pause();
        return () => process.resume();
      },
      "tab-paused": (fault: Fault) => {
        const tab = this.#tab(fault)?.tab;
        if (tab?.process.up !== true) return null;
        tab.pause("on battery");
        return () => {
          if (tab.process.life !== "dead") tab.pause("");
        };
      },
    };
  }

  #onTabLinks() {
    const { network } = this.#world;
    return {
      "tab-cut": (fault: Fault) => {
        const name = this.#tab(fault)?.name;
        if (name === undefined) return null;
        const ways = this.#names.flatMap((to) => [[name, to] as const, [to, name] as const]);
        // One direction or both.
        const cut = ways.filter((_, index) => fault.draw < 0.6 || index % 2 === 0);
        for (const [from, to] of cut) network.cut(from, to);
        return () => {
          for (const [from, to] of cut) network.heal(from, to, fault.draw < 0.3);
        };
      },
      "tab-link-break": (fault: Fault) => {
        const name = this.#tab(fault)?.name;
        return name !== undefined && network.breakLinks(name) > 0 ? undefined : null;
      },
    };
  }

  #onGateways() {
    const { network } = this.#world;
    const kill = (fault: Fault, said: boolean): Undo | null => {
      const seat = this.#gateway(fault);
      if (seat === undefined || seat.gateway.process.life === "dead") return null;
      seat.gateway.process.kill(said);
      return () => this.#startGateway(seat);
    };
    return {
      "gateway-crashed": (fault: Fault) => kill(fault, true),
      "gateway-power": (fault: Fault) => kill(fault, false),
      "gateway-paused": (fault: Fault) => {
        const process = this.#gateway(fault)?.gateway.process;
        if (process?.up !== true) return null;
        process.pause();
        return () => process.resume();
      },
      "gateway-cut": (fault: Fault) => {
        const name = this.#gateway(fault)?.name;
        if (name === undefined) return null;
        const ways = [[name, coordinatorName] as const, [coordinatorName, name] as const];
        const cut = ways.filter((_, index) => fault.draw < 0.6 || index === fault.target % 2);
        for (const [from, to] of cut) network.cut(from, to);
        return () => {
          for (const [from, to] of cut) network.heal(from, to, fault.draw < 0.3);
        };
      },
      "gateway-link-break": (fault: Fault) => {
        const name = this.#gateway(fault)?.name;
        return name !== undefined && network.breakLinks(name) > 0 ? undefined : null;
      },
      "relay-flips-output": (fault: Fault) => (this.#relay.flip(fault.draw) ? undefined : null),
      "relay-loses-output": (fault: Fault) => (this.#relay.lose(fault.draw) ? undefined : null),
    };
  }
}
