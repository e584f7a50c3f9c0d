/** Which work waits for which. Work that waits for itself, even by way of others, never ends. */
export class WaitGraph {
  readonly #waits = new WeakMap<object, object[]>();

  /**
   * Notes that one waits for another.
   *
   * @returns what ends it; `undefined` where the other waits for that one already
   */
  begin(one: object, other: object): (() => void) | undefined {
    if (this.#reaches(other, one)) return undefined;
    const waits = this.#waits.get(one) ?? [];
    this.#waits.set(one, waits);
    waits.push(other);
    return () => void waits.splice(waits.indexOf(other), 1);
  }

  /** Not by recursion: chains of calls may be deeper than the stack. */
  #reaches(from: object, to: object): boolean {
    const seen = new Set([from]);
    for (const one of seen) {
      if (one === to) return true;
      for (const next of this.#waits.get(one) ?? []) seen.add(next);
    }
    return false;
  }
}
