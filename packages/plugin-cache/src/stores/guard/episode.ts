/** A time in which failures follow from one another, such as that in which a store does not answer. */
export class Episode {
  /** When it began. */
  readonly since = Date.now();
  readonly #told = new Set<string>();

  /** Whether nobody has been told yet that an action failed in it. */
  isNews(action: string): boolean {
    return this.#told.size < this.#told.add(action).size;
  }
}

const episodes = new WeakMap<object, Episode | "cut off">();

/** Says what an error follows from; `"cut off"` where the store was not even asked. */
export function belongsTo(error: unknown, episode: Episode | "cut off"): void {
  if (typeof error === "object" && error !== null) episodes.set(error, episode);
}

/**
 * Whether a failure tells anything new: in an episode only the first of each action does. Nothing
 * is lost by a store that was not asked: that it is cut off is told by itself, and what it should
 * have taken waits for it.
 */
export function isNews(action: string, error: unknown): boolean {
  const episode = typeof error === "object" && error !== null ? episodes.get(error) : undefined;
  return episode !== "cut off" && (episode?.isNews(action) ?? true);
}
