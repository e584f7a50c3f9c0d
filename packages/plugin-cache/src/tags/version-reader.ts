/** Reads the versions of several tags in one go: all that are asked for in the same turn, each once at a time. */
export class VersionReader {
  readonly #read: (names: readonly string[]) => Promise<void>;
  readonly #reading = new Map<string, Promise<void>>();
  #next: { readonly names: string[]; readonly done: Promise<void> } | undefined;

  constructor(read: (names: readonly string[]) => Promise<void>) {
    this.#read = read;
  }

  async read(names: readonly string[]): Promise<void> {
    const done = new Set<Promise<void>>();
    for (const name of names) done.add(this.#reading.get(name) ?? this.#add(name));
    await Promise.all(done);
  }

  /** What is being read of a tag may be outdated: the next to ask has it read again. */
  forget(name: string): void {
    this.#reading.delete(name);
  }

  #add(name: string): Promise<void> {
    const { names, done } = (this.#next ??= this.#open());
    names.push(name);
    this.#reading.set(name, done);
    return done;
  }

  #open(): { names: string[]; done: Promise<void> } {
    const names: string[] = [];
    const read = async (): Promise<void> => {
      await Promise.resolve();
      this.#next = undefined;
      try {
        await this.#read(names);
      } finally {
        for (const name of names) if (this.#reading.get(name) === done) this.#reading.delete(name);
      }
    };
    const done = read();
    return { names, done };
  }
}
