import { bareError, errorOf } from "./bare-errors.js";
import { bytesToTable, isArrowTable, tableToBytes } from "./arrow.js";
import { classById, classOf, type CacheableClass } from "./classes.js";
import { describe, isStandardError, type Kind } from "./kinds.js";
import { copyChild, copyValue, keep, setOwn, tag, UnstorableError, type Walk } from "./snapshot.js";

/** Says why stored bytes are no value: damaged, or written by something that this process cannot read. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

/** It is not encrypted, where entries have to be. */
export class UnencryptedError extends UnreadableError {}

/** In place of what `node:v8` would lose: what it is, then its parts. */
interface Marked {
  [tag]: [kind: Mark, ...parts: unknown[]];
}

type Mark =
  | "plain"
  | "null-prototype"
  | "error"
  | "class-error"
  | "instance"
  | "table"
  | "regexp"
  | "url"
  | "search-params";

/**
 * Gives what `node:v8` keeps in place of what it does not, on the way to a store; for
 * {@link Walk.replace}.
 */
export function lower(value: object, kind: Kind, walk: Walk): object | undefined {
  switch (kind) {
    case "plain":
      return Object.hasOwn(value, tag) ? lowerProperties(value, kind, walk) : undefined;
    case "null-prototype":
      return lowerProperties(value, kind, walk);
    case "error":
    case "other": {
      const known = classOf(value);
      if (known && !known.byProperties) return lowerInstance(value, known, walk);
      if (kind === "error") return lowerError(value as Error, known, walk);
      if (!isArrowTable(value)) return undefined;
      return keep<Marked>(value, { [tag]: ["table", tableToBytes(value)] }, walk);
    }
    case "regexp":
      return keep<Marked>(value, { [tag]: [kind, value, (value as RegExp).lastIndex] }, walk);
    case "url":
      return keep<Marked>(value, { [tag]: [kind, (value as URL).href] }, walk);
    case "search-params":
      return keep<Marked>(value, { [tag]: [kind, (value as URLSearchParams).toString()] }, walk);
    default:
      return undefined;
  }
}

function lowerProperties(value: object, kind: "plain" | "null-prototype", walk: Walk): Marked {
  const mark: Marked = keep(value, { [tag]: [kind] }, walk);
  for (const [key, item] of Object.entries(value)) mark[tag].push(key, copyChild(key, item, walk));
  return mark;
}

function lowerInstance(value: object, { id, encode }: CacheableClass, walk: Walk): Marked {
  const mark: Marked = keep(value, { [tag]: ["instance", id] }, walk);
  mark[tag].push(copyValue(encode(value), walk));
  return mark;
}

function lowerError(value: Error, known: CacheableClass | undefined, walk: Walk): Marked {
  const standard = isStandardError(value);
  if (!known && !standard) {
    const found = `${describe(value)}, a class that must be registered with \`cacheable\` before stores can keep it`;
    throw new UnstorableError([...walk.path], found);
  }
  const mark: Marked = {
    [tag]: known ? ["class-error", known.id] : ["error", value.constructor.name],
  };
  keep(value, mark, walk);
  for (const key of Object.getOwnPropertyNames(value)) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(value, key);
    mark[tag].push(key, enumerable, copyChild(key, value[key as keyof Error], walk));
  }
  return mark;
}

/**
 * Undoes {@link lower}.
 *
 * @throws UnreadableError for an instance of a class that is not registered here.
 */
export function lift(value: object, kind: Kind, walk: Walk): object | undefined {
  if (kind !== "plain" || !Object.hasOwn(value, tag)) return undefined;
  const [marked, ...parts] = (value as Marked)[tag];
  switch (marked) {
    case "error":
      return liftError(keep(value, bareError(parts[0] as string), walk), parts, walk);
    case "class-error": {
      const { prototype } = registered(parts[0] as string).Class;
      return liftError(keep(value, errorOf(prototype), walk), parts, walk);
    }
    case "instance": {
      const { decode } = registered(parts[0] as string);
      return keep(value, decode(copyValue(parts[1], walk)), walk);
    }
    case "table":
      walk.tables = true;
      return keep(value, bytesToTable(copyValue(parts[0], walk) as Uint8Array), walk);
    case "regexp": {
      const { source, flags } = parts[0] as RegExp;
      return keep(value, Object.assign(new RegExp(source, flags), { lastIndex: parts[1] }), walk);
    }
    case "url":
      return keep(value, new URL(parts[0] as string), walk);
    case "search-params":
      return keep(value, new URLSearchParams(parts[0] as string), walk);
    default: {
      const object = keep(value, marked === "plain" ? {} : (Object.create(null) as object), walk);
      for (let index = 0; index < parts.length; index += 2) {
        setOwn(object, parts[index] as string, copyValue(parts[index + 1], walk));
      }
      return object;
    }
  }
}

function liftError(error: Error, parts: readonly unknown[], walk: Walk): Error {
  for (let index = 1; index < parts.length; index += 3) {
    setOwn(error, parts[index] as string, copyValue(parts[index + 2], walk), parts[index + 1] as boolean);
  }
  return error;
}

function registered(id: string): CacheableClass {
  const known = classById(id);
  if (known) return known;
  throw new UnreadableError(
    `the entry holds an instance of ${JSON.stringify(id)}, for which this process has no \`cacheable\` class`,
  );
}
