import { isArrowTable, sizeOfTable } from "./arrow.js";
import { classOf } from "./classes.js";
import { kindOf } from "./kinds.js";
import type { Snapshot } from "./snapshot.js";

/** Of longer arrays, Maps, Sets and objects only so many items are looked at, evenly spread. */
const looks = 128;
/** What counts for a value that cannot be looked into, so that many of them do not count for nothing. */
const unknownSize = 1_000;

/**
 * About how many bytes of memory a snapshot takes: within a factor of two of what V8 and its
 * buffers use, for all but objects whose private fields hold most of them. Functions and objects
 * that show nothing of themselves, or throw when they are looked at, count 1,000 bytes. What it
 * costs does not grow with the length of arrays.
 */
export function sizeOf({ value, shape }: Snapshot): number {
  if (typeof value === "function") return unknownSize;
  try {
    // A tree holds nothing twice.
    return sizeOfValue(value, shape === "tree" ? undefined : new Set());
  } catch {
    return unknownSize;
  }
}

type Seen = Set<object> | undefined;

/** What a value takes beside the 8 bytes of the place that it stands in. */
function sizeOfValue(value: unknown, seen: Seen): number {
  switch (typeof value) {
    case "string":
      return sizeOfText(value);
    case "number":
      // Small integers need no object.
      return (value | 0) === value ? 0 : 12;
    case "bigint":
      return 24;
    case "object":
      if (value === null) return 0;
      if (seen) {
        if (seen.has(value)) return 0;
        seen.add(value);
      }
      return sizeOfObject(value, seen);
    default:
      return 0;
  }
}

/** One byte a character, or two where one of them needs it. */
function sizeOfText(text: string): number {
  const { length } = text;
  const wide = length > 32 && Buffer.byteLength(text.slice(0, 1_000)) > Math.min(length, 1_000);
  return 24 + (wide ? 2 * length : length);
}

function sizeOfObject(value: object, seen: Seen): number {
  switch (kindOf(value)) {
    case "array":
      return 32 + 10 * (value as unknown[]).length + sizeOfItems(value as unknown[], seen);
    case "map": {
      const map = value as Map<unknown, unknown>;
      return 150 + 40 * map.size + sizeOfItems([...map.keys()], seen) + sizeOfItems([...map.values()], seen);
    }
    case "set":
      return 150 + 32 * (value as Set<unknown>).size + sizeOfItems([...(value as Set<unknown>)], seen);
    case "date":
      return 96;
    case "view":
      return 200 + (value as NodeJS.ArrayBufferView).byteLength;
    case "array-buffer":
      return 150 + (value as ArrayBuffer).byteLength;
    case "regexp":
      return 150 + (value as RegExp).source.length;
    case "url":
      return 500 + 2 * (value as URL).href.length;
    case "search-params":
      return 200 + 50 * (value as URLSearchParams).size;
    case "error":
      return 400 + sizeOfProperties(value, Object.getOwnPropertyNames(value), seen);
    case "other":
      return sizeOfInstance(value, seen);
    default:
      return sizeOfProperties(value, Object.keys(value), seen);
  }
}

function sizeOfInstance(value: object, seen: Seen): number {
  if (isArrowTable(value)) return 1_000 + sizeOfTable(value);
  const known = classOf(value);
  // Parts that it holds privately are seen by `encode` alone.
  if (known && !known.byProperties) return 50 + sizeOfValue(known.encode(value), seen);
  const keys = Object.keys(value);
  return keys.length === 0 ? unknownSize : sizeOfProperties(value, keys, seen);
}

function sizeOfProperties(value: object, keys: readonly string[], seen: Seen): number {
  const of = (key: string): number => sizeOfValue(value[key as keyof object], seen);
  return 40 + (keys.length > 128 ? 24 : 9) * keys.length + sum(keys, of);
}

function sizeOfItems(items: readonly unknown[], seen: Seen): number {
  return sum(items, (item) => sizeOfValue(item, seen));
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  const step = Math.max(1, items.length / looks);
  let total = 0;
  let looked = 0;
  for (let at = 0; at < items.length; at += step) {
    total += of(items[Math.floor(at)]!);
    looked++;
  }
  return looked === 0 ? 0 : (total / looked) * items.length;
}
