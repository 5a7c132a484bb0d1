/** Says whether an expression may mean something else on another machine or at another time. */
import type { Binding, Scopes } from "./scopes.ts";
import {
  bare,
  childAt,
  children,
  childrenAt,
  isClass,
  isFunction,
  nameOf,
  type SyntaxNode,
} from "./tree.ts";

/** Globals whose value belongs to one process, machine or moment. */
const placeGlobals = new Set(
  (
    "process globalThis global window self document location navigator crypto performance fetch " +
    "require module exports __dirname __filename Deno Bun localStorage sessionStorage indexedDB " +
    "caches WebSocket XMLHttpRequest EventSource Worker"
  ).split(" "),
);

/** What of a global object means the same everywhere (`Date`), or what does not (`Math`). */
function memberOfPlace(object: string, property: string | null): string | null {
  if (object === "Math") return property === "random" || property === null ? "Math.random" : null;
  if (object === "Date") return property === "UTC" ? null : "Date";
  return placeGlobals.has(object) ? object : null;
}

/** What in `expression` depends on where or when it runs (`process`, `Date`, `await` …); null when
 *  nothing does. Follows bindings of the module, and into functions that the expression calls or
 *  hands over. */
export function placeDependence(expression: SyntaxNode, scopes: Scopes): string | null {
  return new PlaceSearch(scopes).search(expression, false);
}

class PlaceSearch {
  readonly #scopes: Scopes;
  readonly #seen = new Map<SyntaxNode, boolean>();

  constructor(scopes: Scopes) {
    this.#scopes = scopes;
  }

  /** `called`: functions met here run now. */
  search(node: SyntaxNode, called: boolean): string | null {
    // Met before with as much reach: nothing new to find, and recursion ends.
    if (this.#seen.get(node) === true || (this.#seen.has(node) && !called)) return null;
    this.#seen.set(node, called);
    if (isFunction(node) && !called) return null;
    if (isClass(node) && !called) return this.#classBody(node);
    switch (node.type) {
      case "Identifier":
        return this.#identifier(node, called);
      case "AwaitExpression":
        return "await";
      case "MetaProperty":
        return nameOf(childAt(node, "meta")) === "import" ? "import.meta" : null;
      case "ImportExpression":
        return "import()";
      case "MemberExpression":
        return this.#member(node, called);
      case "CallExpression":
      case "NewExpression":
      case "TaggedTemplateExpression":
        return this.#first(children(node), true);
      default:
        return this.#first(children(node), called);
    }
  }

  #first(nodes: readonly SyntaxNode[], called: boolean): string | null {
    for (const node of nodes) {
      const found = this.search(node, called);
      if (found !== null) return found;
    }
    return null;
  }

  #identifier(node: SyntaxNode, called: boolean): string | null {
    const reference = this.#scopes.references.get(node);
    if (reference === undefined) return null;
    if (reference.binding === null) {
      if (reference.name === "Date") return "Date";
      return placeGlobals.has(reference.name) ? reference.name : null;
    }
    return this.#binding(reference.binding, called);
  }

  #binding(binding: Binding, called: boolean): string | null {
    const { kind, origin } = binding;
    if (origin === null || kind === "import" || kind === "parameter") return null;
    return this.search(origin, called);
  }

  #member(node: SyntaxNode, called: boolean): string | null {
    const object = bare(childAt(node, "object")!);
    const reference = this.#scopes.references.get(object);
    if (reference === undefined || reference.binding !== null) {
      return this.#first(children(node), called);
    }
    const property = childAt(node, "property");
    const literal = property?.type === "Literal" ? String(property.value) : null;
    const name = node.computed === true ? literal : nameOf(property);
    return memberOfPlace(reference.name, name);
  }

  /** What runs when the class is defined: what it extends, computed keys, static fields and
   *  blocks. */
  #classBody(node: SyntaxNode): string | null {
    const parent = childAt(node, "superClass");
    const found = parent === null ? null : this.search(parent, false);
    if (found !== null) return found;
    for (const member of childrenAt(childAt(node, "body")!, "body")) {
      const value = member.static === true ? childAt(member, "value") : null;
      const parts =
        member.type === "StaticBlock" ? children(member) : value === null ? [] : [value];
      const inside = this.#first(parts, false);
      if (inside !== null) return inside;
    }
    return null;
  }
}
