import { ConfigurationError } from "../errors/index.js";
import type { Advice } from "../plugin.js";
import type { AnyClass, AnyFunction, DecorationOptions } from "./decorator-types.js";
import { classHolding, classOf, completeOwner, homeOf } from "./homes.js";
import { describeName, Operation, operationOf } from "./operation.js";
import { callerLocation } from "./source-location.js";

/** One use of a decorator, before it meets its method. */
export interface Decoration {
  readonly advice: Advice;
  readonly options: object;
  readonly target: DecorationOptions;
}

type Below = (...args: never[]) => unknown;

/** `@decorator()` on a method under `experimentalDecorators`. */
export function decorateLegacyMethod(
  decoration: Decoration,
  target: object,
  key: string | symbol,
  descriptor: unknown,
  below: Below,
): PropertyDescriptor {
  const isStatic = typeof target === "function";
  const owner = (isStatic ? target : target.constructor) as AnyClass;
  const where = memberName(target, key);
  const method = (descriptor as PropertyDescriptor | undefined)?.value as unknown;
  if (typeof method !== "function")
    throw notAMethod(decoration, where, descriptor ? "an accessor" : "a property");
  const members = homeOf(isStatic ? owner.prototype : target).of(isStatic);
  const operation =
    existingOperation(decoration, where, method, members.get(key)) ??
    new Operation({
      method: method as AnyFunction,
      methodName: key,
      kind: isStatic ? "static" : "method",
      owner,
      source: callerLocation(below),
    });
  members.set(key, operation);
  advise(operation, decoration);
  return { ...(descriptor as PropertyDescriptor), value: operation.dispatcher };
}

/** `Class.method`, or `Class.static.method`, of what a legacy decorator is given. */
export function memberName(target: object, key: string | symbol): string {
  return typeof target === "function"
    ? `${target.name}.static.${describeName(key)}`
    : `${target.constructor.name}.${describeName(key)}`;
}

/** `@decorator()` on a method as a standard decorator: the class is not there yet. */
export function decorateStandardMethod(
  decoration: Decoration,
  value: unknown,
  context: ClassMethodDecoratorContext,
  below: Below,
): AnyFunction {
  const { name: key, static: isStatic, metadata } = context;
  const where = `${isStatic ? "static " : ""}${describeName(key)}`;
  if (context.kind !== "method" || typeof value !== "function")
    throw notAMethod(decoration, where, `a ${context.kind}`);
  if (context.private) throw notAMethod(decoration, where, "a #private method");
  const members = metadata ? homeOf(metadata).of(isStatic) : undefined;
  const existing = existingOperation(decoration, where, value, members?.get(key));
  const operation =
    existing ??
    new Operation({
      method: value as AnyFunction,
      methodName: key,
      kind: isStatic ? "static" : "method",
      source: callerLocation(below),
    });
  members?.set(key, operation);
  advise(operation, decoration);
  if (!existing) {
    context.addInitializer(function (this: unknown) {
      if (!operation.owner) learnOwner(operation, this as object, isStatic, metadata);
    });
  }
  return operation.dispatcher;
}

/** `@decorator()` on a class: all of its own string-named methods that do not carry the advice themselves. */
export function decorateClass(
  decoration: Decoration,
  target: unknown,
  below: Below,
  metadata?: object,
): void {
  if (typeof target !== "function") {
    throw notAMethod(
      decoration,
      String(target),
      `${target === null ? "null" : `a value of type ${typeof target}`}`,
    );
  }
  const owner = target as AnyClass;
  const { name, only, except = [] } = decoration.target;
  refuseUnknownMembers(decoration, owner, [...(only ?? []), ...except]);
  if (metadata) completeOwner(metadata, owner, name);
  const prototype = owner.prototype as object;
  const members = homeOf(metadata ?? prototype).of(false);
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    const method = descriptor.value as unknown;
    if (key === "constructor" || typeof method !== "function") continue;
    if (only ? !only.includes(key) : except.includes(key)) continue;
    const where = `${owner.name}.${key}`;
    const existing = existingOperation(decoration, where, method, members.get(key));
    const operation =
      existing ??
      new Operation({
        method: method as AnyFunction,
        methodName: key,
        kind: "method",
        source: callerLocation(below),
      });
    members.set(key, operation);
    if (!operation.owner || name !== undefined) operation.belongTo(owner, name ?? owner.name);
    const own = operation.advice.find(({ advice }) => advice.name === decoration.advice.name);
    if (own && !own.onClass) continue;
    operation.add(decoration.advice, decoration.options, { onClass: true });
    if (!existing) Object.defineProperty(prototype, key, { ...descriptor, value: operation.dispatcher });
  }
}

function advise(operation: Operation, { advice, options, target }: Decoration): void {
  if (target.only || target.except) {
    throw new ConfigurationError(
      `@${advice.name} on ${operation.id}: \`only\` and \`except\` are for use on a class. Remove them.`,
      {
        code: "MLMCP_DECORATION",
        context: { operation: operation.id, decorator: advice.name },
      },
    );
  }
  if (target.name !== undefined) operation.rename(target.name);
  operation.add(advice, options);
}

/** The operation that stands in the method's place already. */
function existingOperation(
  { advice }: Decoration,
  where: string,
  method: AnyFunction | Function,
  known: Operation | undefined,
): Operation | undefined {
  const operation = operationOf(method);
  if (operation || !known) return operation;
  const wrapper = method.name || "an unnamed function";
  throw new ConfigurationError(
    `@${advice.name} on ${where}: another decorator has put ${wrapper === known.dispatcher.name ? "a function of its own" : `"${wrapper}"`} ` +
      `between it and ${known.advice.map((applied) => `@${applied.advice.name}`).join(", ")}. ` +
      "Write that decorator above or below all of ours, so that ours stand together.",
    {
      code: "MLMCP_FOREIGN_WRAPPER",
      context: {
        decorator: advice.name,
        inside: known.advice.map((applied) => applied.advice.name),
        wrapper: Function.prototype.toString.call(method).slice(0, 200),
      },
    },
  );
}

function learnOwner(
  operation: Operation,
  self: object,
  isStatic: boolean,
  metadata: object | undefined,
): void {
  const owner = isStatic
    ? (self as unknown as AnyClass)
    : ((metadata && classOf(self, metadata)) ?? classHolding(self, operation));
  if (!owner) return;
  if (metadata) completeOwner(metadata, owner);
  else operation.belongTo(owner);
}

function refuseUnknownMembers({ advice }: Decoration, owner: AnyClass, names: readonly string[]): void {
  const missing = names.find((name) => !Object.hasOwn(owner.prototype as object, name));
  if (missing === undefined) return;
  throw new ConfigurationError(
    `@${advice.name} on class ${owner.name} names "${missing}", which is no method of it.`,
    {
      code: "MLMCP_DECORATION",
      context: { decorator: advice.name, class: owner.name, member: missing },
    },
  );
}

function notAMethod({ advice }: Decoration, where: string, what: string): ConfigurationError {
  return new ConfigurationError(
    `@${advice.name} on ${where}: it decorates methods and classes, and this is ${what}. ` +
      "Move the work into a method and decorate that.",
    { code: "MLMCP_DECORATION", context: { decorator: advice.name, member: where, received: what } },
  );
}
