/** Scopes of one module: which binding each identifier means. Hoisting, closures, patterns, loops,
 *  classes. */
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

export type BindingKind =
  | "import"
  | "const"
  | "let"
  | "var"
  | "function"
  | "class"
  | "parameter"
  | "catch"
  | "enum";

export type Binding = {
  readonly name: string;
  readonly kind: BindingKind;
  readonly scope: Scope;
  readonly node: SyntaxNode;
  /** What gives it its value: initialiser, function, class, import declaration; null when nothing
   *  does. */
  readonly origin: SyntaxNode | null;
  /** Places where it is assigned after its declaration. */
  readonly writes: Reference[];
};

export type Scope = {
  readonly parent: Scope | null;
  /** The innermost function whose body this scope is in; null = the module. */
  readonly owner: SyntaxNode | null;
  /** `var` belongs here. */
  readonly holdsVar: boolean;
  readonly names: Map<string, Binding>;
};

export type Reference = {
  readonly name: string;
  readonly node: SyntaxNode;
  readonly scope: Scope;
  readonly isWrite: boolean;
  /** Null = a global. */
  binding: Binding | null;
};

export type Scopes = {
  readonly module: Scope;
  /** By Identifier node, all that read or write a variable. */
  readonly references: ReadonlyMap<SyntaxNode, Reference>;
};

type Origin = { readonly kind: BindingKind; readonly origin: SyntaxNode | null };

/** Resolves every identifier of a program. */
export function analyseScopes(program: SyntaxNode): Scopes {
  const module = newScope(null, null, true);
  const references = new Map<SyntaxNode, Reference>();
  const visitor = new ScopeVisitor(references);
  for (const statement of childrenAt(program, "body")) visitor.visit(statement, module);
  for (const reference of references.values()) {
    reference.binding = lookUp(reference.scope, reference.name);
    if (reference.isWrite) reference.binding?.writes.push(reference);
  }
  return { module, references };
}

function newScope(parent: Scope | null, owner: SyntaxNode | null, holdsVar: boolean): Scope {
  return { parent, owner, holdsVar, names: new Map() };
}

function lookUp(from: Scope, name: string): Binding | null {
  for (let scope: Scope | null = from; scope !== null; scope = scope.parent) {
    const binding = scope.names.get(name);
    if (binding !== undefined) return binding;
  }
  return null;
}

class ScopeVisitor {
  readonly #references: Map<SyntaxNode, Reference>;

  constructor(references: Map<SyntaxNode, Reference>) {
    this.#references = references;
  }

  visit(node: SyntaxNode, scope: Scope): void {
    if (isFunction(node)) {
      this.#function(node, scope);
      return;
    }
    if (isClass(node)) {
      this.#class(node, scope);
      return;
    }
    switch (node.type) {
      case "Identifier":
        this.#refer(node, scope, false);
        break;
      case "ImportDeclaration":
        this.#import(node, scope);
        break;
      case "ExportNamedDeclaration":
        if (childAt(node, "source") !== null || node.exportKind === "type") return;
        this.#all(node, scope);
        break;
      case "VariableDeclaration":
        this.#variables(node, scope);
        break;
      case "AssignmentExpression":
        this.#target(childAt(node, "left")!, scope, node.operator !== "=");
        this.visit(childAt(node, "right")!, scope);
        break;
      case "UpdateExpression":
        this.#target(childAt(node, "argument")!, scope, true);
        break;
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement":
        this.#loop(node, newScope(scope, scope.owner, false));
        break;
      case "BlockStatement":
      case "SwitchStatement":
        this.#all(node, newScope(scope, scope.owner, false));
        break;
      case "StaticBlock":
      case "TSModuleBlock":
        this.#all(node, newScope(scope, scope.owner, true));
        break;
      case "CatchClause":
        this.#catch(node, newScope(scope, scope.owner, false));
        break;
      case "TSEnumDeclaration":
      case "TSModuleDeclaration":
        this.#enum(node, scope);
        break;
      default:
        this.#all(node, scope);
        break;
    }
  }

  #all(node: SyntaxNode, scope: Scope): void {
    for (const child of children(node)) this.visit(child, scope);
  }

  #refer(node: SyntaxNode, scope: Scope, isWrite: boolean): void {
    const name = nameOf(node)!;
    this.#references.set(node, { name, node, scope, isWrite, binding: null });
  }

  #declare(node: SyntaxNode, scope: Scope, what: Origin): void {
    let home = scope;
    while (what.kind === "var" && !home.holdsVar && home.parent !== null) home = home.parent;
    const name = nameOf(node)!;
    const known = home.names.get(name);
    // `var x = 1; var x = 2;` and `function f(a) { var a; }` are one binding; the first origin
    // stays.
    if (known !== undefined && (known.origin !== null || what.origin === null)) {
      if (what.origin !== null) known.writes.push(this.#writeOf(node, scope, known));
      return;
    }
    home.names.set(name, { name, node, scope: home, ...what, writes: known?.writes ?? [] });
  }

  #writeOf(node: SyntaxNode, scope: Scope, binding: Binding): Reference {
    return { name: binding.name, node, scope, isWrite: true, binding };
  }

  /** Declares every name of a pattern and visits its defaults and computed keys. */
  #pattern(node: SyntaxNode, scope: Scope, what: Origin): void {
    switch (node.type) {
      case "Identifier":
        this.#declare(node, scope, what);
        break;
      case "AssignmentPattern":
        this.#pattern(childAt(node, "left")!, scope, what);
        this.visit(childAt(node, "right")!, scope);
        break;
      case "RestElement":
        this.#pattern(childAt(node, "argument")!, scope, what);
        break;
      case "TSParameterProperty":
        this.#pattern(childAt(node, "parameter")!, scope, what);
        break;
      case "ArrayPattern":
        for (const element of childrenAt(node, "elements")) this.#pattern(element, scope, what);
        return;
      case "ObjectPattern":
        for (const property of childrenAt(node, "properties")) {
          if (property.type === "RestElement") {
            this.#pattern(property, scope, what);
            continue;
          }
          if (property.computed === true) this.visit(childAt(property, "key")!, scope);
          this.#pattern(childAt(property, "value")!, scope, what);
        }
    }
  }

  /** The left side of an assignment: names in it are written, everything else is read. */
  #target(wrapped: SyntaxNode, scope: Scope, alsoReads: boolean): void {
    const node = bare(wrapped);
    switch (node.type) {
      case "Identifier":
        this.#refer(node, scope, true);
        break;
      case "AssignmentPattern":
        this.#target(childAt(node, "left")!, scope, alsoReads);
        this.visit(childAt(node, "right")!, scope);
        break;
      case "RestElement":
        this.#target(childAt(node, "argument")!, scope, alsoReads);
        break;
      case "ArrayPattern":
        for (const element of childrenAt(node, "elements")) this.#target(element, scope, false);
        return;
      case "ObjectPattern":
        for (const property of childrenAt(node, "properties")) {
          if (property.computed === true) this.visit(childAt(property, "key")!, scope);
          this.#target(childAt(property, "value") ?? property, scope, false);
        }
        return;
      default:
        this.visit(node, scope);
        break;
    }
  }

  #variables(node: SyntaxNode, scope: Scope, looped: SyntaxNode | null = null): void {
    if (node.declare === true) return;
    const declared = String(node.kind);
    const kind: BindingKind = declared === "let" || declared === "var" ? declared : "const";
    for (const declarator of childrenAt(node, "declarations")) {
      const init = childAt(declarator, "init");
      this.#pattern(childAt(declarator, "id")!, scope, { kind, origin: init ?? looped });
      if (init !== null) this.visit(init, scope);
    }
  }

  #loop(node: SyntaxNode, scope: Scope): void {
    const left = childAt(node, "left") ?? childAt(node, "init");
    const right = childAt(node, "right");
    if (left?.type === "VariableDeclaration") this.#variables(left, scope, right);
    else if (left !== null && right !== null) this.#target(left, scope, false);
    for (const child of children(node)) {
      if (child !== left || (child.type !== "VariableDeclaration" && right === null)) {
        this.visit(child, scope);
      }
    }
  }

  #catch(node: SyntaxNode, scope: Scope): void {
    const parameter = childAt(node, "param");
    if (parameter !== null) this.#pattern(parameter, scope, { kind: "catch", origin: null });
    this.visit(childAt(node, "body")!, scope);
  }

  #import(node: SyntaxNode, scope: Scope): void {
    if (node.importKind === "type") return;
    for (const specifier of childrenAt(node, "specifiers")) {
      this.#declare(childAt(specifier, "local")!, scope, { kind: "import", origin: node });
    }
  }

  #enum(node: SyntaxNode, scope: Scope): void {
    const id = childAt(node, "id")!;
    if (node.declare === true) return;
    if (nameOf(id) !== null) this.#declare(id, scope, { kind: "enum", origin: node });
    const inner = newScope(scope, scope.owner, true);
    const members = childAt(node, "body");
    for (const member of members === null ? [] : childrenAt(members, "members")) {
      const name = childAt(member, "id");
      if (nameOf(name) !== null) this.#declare(name!, inner, { kind: "enum", origin: null });
    }
    for (const child of children(node)) if (child !== id) this.visit(child, inner);
  }

  #function(node: SyntaxNode, scope: Scope): void {
    const id = childAt(node, "id");
    let outer = scope;
    if (id !== null) {
      // A declaration names itself outside, an expression only inside.
      if (node.type === "FunctionExpression") outer = newScope(scope, scope.owner, false);
      this.#declare(id, outer, { kind: "function", origin: node });
    }
    const parameters = newScope(outer, node, true);
    for (const parameter of childrenAt(node, "params")) {
      this.#pattern(parameter, parameters, { kind: "parameter", origin: node });
    }
    const body = childAt(node, "body");
    if (body === null) return;
    // A scope of its own: `var` in the body is not seen by default values of parameters.
    const inner = newScope(parameters, node, true);
    if (body.type !== "BlockStatement") {
      this.visit(body, inner);
      return;
    }
    this.#all(body, inner);
  }

  #class(node: SyntaxNode, scope: Scope): void {
    const id = childAt(node, "id");
    let outer = scope;
    if (id !== null) {
      if (node.type === "ClassExpression") outer = newScope(scope, scope.owner, false);
      this.#declare(id, outer, { kind: "class", origin: node });
    }
    for (const child of children(node)) if (child !== id) this.visit(child, outer);
  }
}
