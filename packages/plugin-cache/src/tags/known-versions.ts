import { firstVersion } from "./names.js";

/** What is known of one tag. */
export interface Known {
  readonly version: string;
  /** The moments in which it was learnt or changed, and in which it was last seen to change. */
  readonly since: number;
  readonly changed: number;
  /** The reading of the store that it is from. */
  readonly reading: number;
  /** How many changes of this process are on their way to the store. */
  readonly onTheirWay: number;
  /** The store has not taken a change of this process, and has what that replaces until it does, or somebody writes again. */
  readonly missing?: { readonly version: string; readonly replaces: string | undefined };
}

/** A reading that never was. */
const outdated = -1;

/** When something was read: versions that arrive after a change may have been read before it. */
export interface ReadingMoment {
  readonly reading: number;
  readonly moment: number;
}

/**
 * What one process knows of the versions of tags, from the store, from others and from its own
 * changes, in which the latest counts whatever order they arrive in.
 */
export class KnownVersions {
  readonly #known = new Map<string, Known>();
  #reading = 0;
  #moment = 0;

  get size(): number {
    return this.#known.size;
  }

  /** The present. */
  get now(): ReadingMoment {
    return { reading: this.#reading, moment: this.#moment };
  }

  get(name: string): Known | undefined {
    return this.#known.get(name);
  }

  /** The version as far as it is known, and that of a tag that was never invalidated otherwise. */
  latest(name: string): string {
    return this.#known.get(name)?.version ?? firstVersion;
  }

  /** Whether it is known of the present reading. */
  has(name: string): boolean {
    return this.#known.get(name)?.reading === this.#reading;
  }

  /** From now on everything has to be read again. */
  beginReading(): void {
    this.#reading++;
  }

  /** It has this version: there is no store that could know better. */
  set(name: string, version: string): void {
    this.#change(name, { version, reading: this.#reading, onTheirWay: 0 });
  }

  /** Another process has changed it, whether before or after what is known: it has to be read again. */
  told(name: string, version: string): void {
    const known = this.#known.get(name);
    if (known?.version === version) return;
    if (known && known.onTheirWay > 0) return;
    this.#change(name, { version, reading: outdated, onTheirWay: 0 });
  }

  /**
   * This process changes it, and is about to tell the store.
   *
   * @param version until the store has taken another one. Never the one that the store is given: a
   * change by another process may come between, and what was called before it must not be valid after.
   */
  change(name: string, version: string): void {
    const onTheirWay = (this.#known.get(name)?.onTheirWay ?? 0) + 1;
    this.#change(name, { version, reading: this.#reading, onTheirWay });
  }

  /**
   * The store has taken a change of this process, or has not, and may do so later. What it has now
   * must be read.
   *
   * @param version that it was given
   */
  arrived(name: string, version: string, isTaken: boolean): void {
    const known = this.#known.get(name);
    if (!known || known.onTheirWay === 0) return;
    const onTheirWay = known.onTheirWay - 1;
    const missing = isTaken ? undefined : { version, replaces: undefined };
    const reading = onTheirWay > 0 ? known.reading : outdated;
    this.#change(name, { version: known.version, reading, onTheirWay, ...(missing && { missing }) });
  }

  /** The store has this. Answers whether that differs from what was known. */
  learnt(name: string, version: string, { reading, moment }: ReadingMoment): boolean {
    const known = this.#known.get(name);
    if (!known) {
      this.#known.set(name, { version, since: ++this.#moment, changed: 0, reading, onTheirWay: 0 });
      return false;
    }
    if (known.onTheirWay > 0) {
      this.#known.set(name, { ...known, reading });
      return false;
    }
    // It may have been read before that.
    if (known.since > moment) return false;
    const { missing } = known;
    if (missing && missing.version !== version && (missing.replaces ?? version) === version) {
      this.#known.set(name, { ...known, reading, missing: { ...missing, replaces: version } });
      return false;
    }
    if (known.version === version) {
      this.#known.set(name, { ...known, reading });
      return false;
    }
    this.#change(name, { version, reading, onTheirWay: 0 });
    return true;
  }

  /** Forgets what the store has as well. */
  forgetLearnt(): void {
    for (const [name, { onTheirWay, missing }] of this.#known)
      if (onTheirWay === 0 && !missing) this.#known.delete(name);
  }

  forgetAll(): void {
    this.#known.clear();
  }

  #change(name: string, known: Omit<Known, "since" | "changed">): void {
    const since = ++this.#moment;
    this.#known.set(name, { ...known, since, changed: since });
  }
}
