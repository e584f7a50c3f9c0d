/** Something that is done once for all who ask, and anew where it failed or was undone. */
export class Once {
  readonly #work: () => Promise<void>;
  #doing: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** @throws what it fails with, told to all who waited for that attempt */
  async done(): Promise<void> {
    const doing = (this.#doing ??= this.#work());
    try {
      await doing;
    } catch (error) {
      // Others who waited may already have begun anew.
      if (this.#doing === doing) this.#doing = undefined;
      throw error;
    }
  }

  /** It is no longer done. */
  undo(): void {
    this.#doing = undefined;
  }
}
