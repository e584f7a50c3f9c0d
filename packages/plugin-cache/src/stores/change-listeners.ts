import type { Change, ChangeListener } from "./store.js";

/** Those who listen to one feed: each is told what this is told. */
export class ChangeListeners implements ChangeListener {
  readonly #listeners = new Set<ChangeListener>();

  get size(): number {
    return this.#listeners.size;
  }

  add(listener: ChangeListener): void {
    this.#listeners.add(listener);
  }

  delete(listener: ChangeListener): void {
    this.#listeners.delete(listener);
  }

  changed(change: Change): void {
    for (const listener of this.#listeners) listener.changed(change);
  }

  missed(): void {
    for (const listener of this.#listeners) listener.missed();
  }

  listening(on: boolean, reason?: unknown): void {
    for (const listener of this.#listeners) listener.listening?.(on, reason);
  }
}
