import { isPlainObject, type PlainObject } from "../plain.js";
import {
  always,
  annotations,
  bounds,
  isList,
  isObject,
  isText,
  ownChecks,
  type,
  type Check,
  type KeywordChecks,
} from "./keyword-checks.js";
import type { JsonSchema, ValueCheck } from "./schema.js";
import { parseDuration, parseSize } from "./units.js";

/** A value does not match, and is what it was. */
const refused = Symbol("refused");
/** It does not match, or may not, and something in it may have been converted before that was seen. */
const unsure = Symbol("unsure");

interface Reader {
  /** Gives the value, in which durations and sizes are numbers by then, or why it does not. */
  read(value: unknown): unknown;
  /** Whether it may change what a value holds. */
  readonly converts: boolean;
}

type Acceptance = (value: unknown) => { readonly value: unknown } | undefined;

const acceptances = new WeakMap<JsonSchema, Acceptance | "unknown">();

/**
 * Tells values that match a schema of the usual keywords, without compiling it: that takes
 * milliseconds for each, nearly all values match, and what is wrong with one is all that a compiled
 * schema knows better.
 *
 * The function gives the value with durations and sizes as numbers, which it converts in place;
 * nothing where the compiled schema is to be asked, about another copy.
 *
 * @returns nothing for a schema with any other keyword, or one that is not used as it should be:
 * compiling says what is wrong with that
 */
export function acceptanceOf(schema: JsonSchema): Acceptance | undefined {
  let found = acceptances.get(schema);
  if (found === undefined) {
    const reader = readerOf(schema);
    found = reader === undefined ? "unknown" : (value) => accepted(reader.read(value));
    acceptances.set(schema, found);
  }
  return found === "unknown" ? undefined : found;
}

function accepted(value: unknown): { readonly value: unknown } | undefined {
  return isFailure(value) ? undefined : { value };
}

function isFailure(read: unknown): boolean {
  return read === refused || read === unsure;
}

const ofObjects = ["properties", "additionalProperties", "required"];

const anyValue: Reader = { converts: false, read: (value) => value };

function readerOf(schema: unknown): Reader | undefined {
  if (!isPlainObject(schema) || Object.values(schema).includes(undefined)) return undefined;
  const { check, duration, size, anyOf } = schema;
  if (check !== undefined) return checkedBy(check, readerOf(without(schema, "check")));
  if (duration === true) return conversion(parseDuration, without(schema, "duration", "type"));
  if (size === true) return conversion(parseSize, without(schema, "size", "type"));
  if (anyOf !== undefined) return union(anyOf, without(schema, "anyOf"));
  const checks = checksOf(without(schema, "items", ...ofObjects), ownChecks);
  const list = "items" in schema ? listReader(schema["items"]) : anyValue;
  const object = ofObjects.some((keyword) => keyword in schema) ? objectReader(schema) : anyValue;
  if (checks === undefined || list === undefined || object === undefined) return undefined;
  if (list === anyValue && object === anyValue) return checks.length === 0 ? anyValue : checking(checks);
  const converts = list.converts || object.converts;
  return {
    converts,
    read(value) {
      const inner = isList(value) ? list : isObject(value) ? object : anyValue;
      const read = passes(checks, value) ? inner.read(value) : refused;
      // A compiled schema goes on after what does not match, and converts what stands behind it.
      return read === refused && converts && (isList(value) || isObject(value)) ? unsure : read;
    },
  };
}

function checking(checks: readonly Check[]): Reader {
  return { converts: false, read: (value) => (passes(checks, value) ? value : refused) };
}

function passes(checks: readonly Check[], value: unknown): boolean {
  for (const check of checks) if (!check(value)) return false;
  return true;
}

function without(schema: PlainObject, ...keywords: readonly string[]): PlainObject {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !keywords.includes(keyword)));
}

/** Nothing where there are other keywords, or any is not used as it should be. */
function checksOf(said: PlainObject, known: KeywordChecks): Check[] | undefined {
  const checks: Check[] = [];
  for (const [keyword, value] of Object.entries(said)) {
    const check = Object.hasOwn(known, keyword) ? known[keyword]!(value) : undefined;
    if (check === undefined) return undefined;
    if (check !== always) checks.push(check);
  }
  return checks;
}

/** Bounds are those of the number that comes of it; what type it has is clear. */
function conversion(parse: (value: unknown) => number | undefined, others: PlainObject): Reader | undefined {
  const checks = checksOf(others, { ...annotations, ...bounds });
  if (checks === undefined) return undefined;
  return {
    converts: true,
    read(value) {
      const number = parse(value);
      if (number === undefined) return refused;
      if (passes(checks, number)) return number;
      return number === value ? refused : unsure;
    },
  };
}

function union(anyOf: unknown, others: PlainObject): Reader | undefined {
  const checks = checksOf(others, { ...annotations, ...type });
  if (checks === undefined || !isList(anyOf) || anyOf.length === 0) return undefined;
  const readers = anyOf.map(readerOf);
  // Beside one that takes anything, compiled ones do nothing at all.
  if (readers.some((reader) => reader === undefined || reader === anyValue)) return undefined;
  const converts = readers.some((reader) => reader!.converts);
  return {
    converts,
    read(value) {
      if (!passes(checks, value)) return converts ? unsure : refused;
      for (const reader of readers) {
        const read = reader!.read(value);
        if (read !== refused) return read;
      }
      return refused;
    },
  };
}

/** Asks about what comes of a value that matches otherwise. */
function checkedBy(check: unknown, reader: Reader | undefined): Reader | undefined {
  if (typeof check !== "function" || reader === undefined) return undefined;
  return {
    converts: reader.converts,
    read(value) {
      const read = reader.read(value);
      if (isFailure(read) || (check as ValueCheck)(read) === undefined) return read;
      return reader.converts ? unsure : refused;
    },
  };
}

function listReader(items: unknown): Reader | undefined {
  const item = readerOf(items);
  if (item === undefined) return undefined;
  return {
    converts: item.converts,
    read(value) {
      const list = value as unknown[];
      for (let index = 0; index < list.length; index++) {
        const read = item.read(list[index]);
        if (isFailure(read)) return read;
        list[index] = read;
      }
      return list;
    },
  };
}

function objectReader(schema: PlainObject): Reader | undefined {
  const { properties = {}, required = [], additionalProperties = !("properties" in schema) } = schema;
  if (!isPlainObject(properties) || Object.hasOwn(properties, "__proto__")) return undefined;
  if (!isList(required) || !required.every(isText)) return undefined;
  const named = new Map(Object.entries(properties).map(([key, child]) => [key, readerOf(child)]));
  const others = typeof additionalProperties === "boolean" ? anyValue : readerOf(additionalProperties);
  if (others === undefined || [...named.values()].includes(undefined)) return undefined;
  const rest = additionalProperties === false ? undefined : others;
  return {
    converts: [...named.values(), others].some((reader) => reader!.converts),
    read(value) {
      // What a class instance holds is its own.
      if (!isPlainObject(value)) return unsure;
      for (const key of required) if (!Object.hasOwn(value, key)) return refused;
      for (const key of Object.keys(value)) {
        const reader = named.get(key) ?? rest;
        if (reader === undefined) return refused;
        const read = reader.read(value[key]);
        if (isFailure(read)) return read;
        if (read === value[key]) continue;
        if (key === "__proto__") return unsure;
        value[key] = read;
      }
      return value;
    },
  };
}
