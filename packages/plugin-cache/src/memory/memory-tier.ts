import type { Entry } from "../values/entry.js";
import { AdaptiveSize, type SizeRange } from "./adaptive-size.js";
import { hashOf } from "./frequency-sketch.js";
import { noHoldings, type MemoryHoldings } from "./holdings.js";
import { TinyLfu, type MemoryNode } from "./tiny-lfu.js";

/** How much a process keeps in memory. */
export interface MemoryBounds {
  /** Entries of all operations together. */
  readonly maxEntries: number;
  /** Bytes of all values together, as far as they can be estimated. @default no bound */
  readonly maxBytes?: number;
}

export interface MemoryOptions extends MemoryBounds {
  /** Lets `maxEntries` follow what is asked for, within a range. @default it stays as it is */
  readonly adaptive?: SizeRange;
  /** Namespaces with bounds of their own: they take no room from the others, and the others none from them. */
  readonly namespaces?: Readonly<Record<string, MemoryBounds>>;
}

/** What a memory, or a part of it, holds and has lost. */
export interface RegionStatistics {
  readonly entries: number;
  /** Estimated. */
  readonly bytes: number;
  /** The present bounds. */
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly evictions: number;
  /** Values that had to be made or read again since they had been evicted: hits of a memory twice as large. */
  readonly ghostHits: number;
}

/** All together; namespaces that have bounds of their own are among them. */
export interface MemoryStatistics extends RegionStatistics {
  /** What all others share. */
  readonly general: RegionStatistics;
  readonly namespaces: Readonly<Record<string, RegionStatistics>>;
}

/** What memory could not keep of one operation. */
export type MemoryLosses = Pick<MemoryHoldings, "evictions" | "refused" | "refusedBytes">;

/**
 * The tier that lives in the process, bounded by count and by bytes. Nothing in it is
 * asynchronous, and it has no timer.
 */
export class MemoryTier {
  readonly #nodes = new Map<string, MemoryNode>();
  readonly #sizeOf: (entry: Entry) => number;
  /** By operation. */
  readonly #losses = new Map<string, MemoryLosses>();
  readonly #evicted = (node: MemoryNode): void => {
    this.#nodes.delete(node.text);
    this.#lossesOf(node.entry).evictions++;
  };
  readonly #general: TinyLfu;
  readonly #spaces = new Map<string, TinyLfu>();
  #adaptive: AdaptiveSize | undefined;

  /** @param sizeOf how many bytes an entry takes, more or less. */
  constructor(options: MemoryOptions, sizeOf: (entry: Entry) => number) {
    this.#sizeOf = sizeOf;
    this.#general = new TinyLfu(options, this.#evicted);
    this.configure(options);
  }

  /** Counts as a use. The hot path. */
  get(text: string): Entry | undefined {
    const node = this.#nodes.get(text);
    if (node === undefined) return undefined;
    node.home.touch(node);
    return node.entry;
  }

  /** Does not count as a use. */
  peek(text: string): Entry | undefined {
    return this.#nodes.get(text)?.entry;
  }

  /**
   * Keeps an entry, unless it is larger than all may be together.
   *
   * @param space the namespace whose own bounds may apply.
   */
  set(text: string, entry: Entry, space?: string): void {
    const bytes = this.#sizeOf(entry);
    const known = this.#nodes.get(text);
    const home = known?.home ?? this.#spaces.get(space ?? "") ?? this.#general;
    // One value must not cost all others.
    if (bytes > home.bounds.maxBytes) {
      const losses = this.#lossesOf(entry);
      losses.refused++;
      losses.refusedBytes = Math.max(losses.refusedBytes, bytes);
      return void this.delete(text);
    }
    if (known) return home.replace(known, entry, bytes);
    const node: MemoryNode = {
      text,
      hash: hashOf(text),
      home,
      entry,
      bytes,
      segment: "window",
      older: undefined,
      newer: undefined,
    };
    this.#nodes.set(text, node);
    home.insert(node);
    if (home === this.#general) this.#adaptive?.inserted(home);
  }

  delete(text: string): boolean {
    const node = this.#nodes.get(text);
    if (!node) return false;
    node.home.remove(node);
    return this.#nodes.delete(text);
  }

  clear(): void {
    for (const text of [...this.#nodes.keys()]) this.delete(text);
    for (const region of this.#regions()) region.forgetGhosts();
  }

  /** Changes the bounds; what is worth most stays. Entries of a namespace whose bounds are new or gone are dropped. */
  configure({ namespaces = {}, adaptive, ...bounds }: MemoryOptions): void {
    for (const [name, region] of this.#spaces) {
      if (Object.hasOwn(namespaces, name)) continue;
      for (const node of [...this.#nodes.values()]) if (node.home === region) this.delete(node.text);
      this.#spaces.delete(name);
    }
    for (const [name, own] of Object.entries(namespaces)) {
      const region = this.#spaces.get(name);
      if (region) region.resize(own);
      else this.#spaces.set(name, new TinyLfu(own, this.#evicted));
    }
    this.#general.resize({ ...bounds, maxEntries: this.#adapt(adaptive, bounds.maxEntries) });
  }

  /** Entries in no particular order, those that have expired included. */
  *values(): Iterable<Entry> {
    for (const { entry } of this.#nodes.values()) yield entry;
  }

  *entries(): Iterable<readonly [text: string, entry: Entry]> {
    for (const { text, entry } of this.#nodes.values()) yield [text, entry];
  }

  /** What each operation holds, and what it lost since the start. */
  holdings(): Map<string, MemoryHoldings> {
    const now = Date.now();
    const holdings = new Map(
      Array.from(this.#losses, ([operation, lost]) => [operation, { ...noHoldings(), ...lost }]),
    );
    for (const { entry, bytes } of this.#nodes.values()) {
      let own = holdings.get(entry.operation);
      if (!own) holdings.set(entry.operation, (own = noHoldings()));
      own.bytes += bytes;
      if (entry.freshUntil > now) own.fresh++;
      else if (entry.expires > now) own.stale++;
      else own.expired++;
    }
    return holdings;
  }

  /** By operation, since the start. */
  get losses(): ReadonlyMap<string, Readonly<MemoryLosses>> {
    return this.#losses;
  }

  statistics(): MemoryStatistics {
    const general = statisticsOf(this.#general);
    const namespaces = Object.fromEntries(
      Array.from(this.#spaces, ([name, region]) => [name, statisticsOf(region)]),
    );
    const sum = { ...general };
    for (const region of Object.values(namespaces))
      for (const name of Object.keys(sum) as (keyof RegionStatistics)[]) sum[name] += region[name];
    return { ...sum, general, namespaces };
  }

  #lossesOf({ operation }: Entry): MemoryLosses {
    let losses = this.#losses.get(operation);
    if (!losses) this.#losses.set(operation, (losses = { evictions: 0, refused: 0, refusedBytes: 0 }));
    return losses;
  }

  /** How many entries to begin with, or to go on with where the range is the same as before. */
  #adapt(range: SizeRange | undefined, maxEntries: number): number {
    const before = this.#adaptive;
    if (!range) {
      this.#adaptive = undefined;
      return maxEntries;
    }
    if (before?.range.min === range.min && before.range.max === range.max)
      return this.#general.bounds.maxEntries;
    this.#adaptive = new AdaptiveSize(range);
    return this.#adaptive.within(maxEntries);
  }

  *#regions(): Iterable<TinyLfu> {
    yield this.#general;
    yield* this.#spaces.values();
  }
}

function statisticsOf({
  size,
  bytes,
  bounds,
  evictions,
  ghostHits,
}: TinyLfu): Record<keyof RegionStatistics, number> {
  return { entries: size, bytes, ...bounds, evictions, ghostHits };
}
