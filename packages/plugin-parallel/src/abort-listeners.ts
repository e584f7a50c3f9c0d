/**
 * Listens to abort signals on behalf of many tasks, with one listener for each signal: the parts
 * of one map share theirs, and Node takes more than ten for a leak.
 */
export class AbortListeners {
  readonly #bySignal = new Map<
    AbortSignal,
    { readonly callbacks: Set<() => void>; readonly onAbort: () => void }
  >();

  /** Returns a function that ends it. */
  add(signal: AbortSignal, callback: () => void): () => void {
    const { callbacks, onAbort } = this.#bySignal.get(signal) ?? this.#listen(signal);
    callbacks.add(callback);
    return () => {
      callbacks.delete(callback);
      if (callbacks.size > 0) return;
      signal.removeEventListener("abort", onAbort);
      this.#bySignal.delete(signal);
    };
  }

  #listen(signal: AbortSignal): { callbacks: Set<() => void>; onAbort: () => void } {
    const callbacks = new Set<() => void>();
    const onAbort = (): void => {
      for (const callback of callbacks) callback();
    };
    const listener = { callbacks, onAbort };
    this.#bySignal.set(signal, listener);
    signal.addEventListener("abort", onAbort);
    return listener;
  }
}
