/** A store that can be made to fail. */
export class FaultyAdapter extends Map<string, unknown> {
  // Private, since the object is frozen with the configuration that it is part of.
  #failing = false;

  set failing(failing: boolean) {
    this.#failing = failing;
  }

  override get(key: string): unknown {
    this.#answer();
    return super.get(key);
  }

  override set(key: string, value: unknown): this {
    this.#answer();
    return super.set(key, value);
  }

  override delete(key: string): boolean {
    this.#answer();
    return super.delete(key);
  }

  override clear(): void {
    this.#answer();
    super.clear();
  }

  #answer(): void {
    if (this.#failing) throw new Error("store down");
  }
}
