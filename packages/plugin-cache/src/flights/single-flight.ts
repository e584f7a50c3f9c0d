/** Work that never ends must not add up. */
const maxAbandoned = 1_000;

/** Work that is under way for everybody who asks for the same key. */
export interface Work<T> {
  readonly promise: Promise<T>;
  /** Called when the last one that waited has gone. */
  abandon(reason: unknown): void;
  /** Called when the key was given up, so that the result is not to be kept. */
  forget?(): void;
}

/** What the work can know of those who wait for it. */
export interface Ticket {
  /** Whether the key was given up meanwhile, so that the result must not be kept. */
  readonly forgotten: boolean;
}

/** One piece of work and those who wait for it. */
export class Flight<W extends Work<unknown>> implements Ticket {
  #work: W | undefined;
  #isForgotten = false;
  #waiting = 0;
  readonly #leave: (flight: Flight<W>) => void;

  /** @param leave told when the last one that waited has gone */
  constructor(leave: (flight: Flight<W>) => void) {
    this.#leave = leave;
  }

  get forgotten(): boolean {
    return this.#isForgotten;
  }

  /** Whether the work is just about to begin: whoever sees that asks from inside of it. */
  get isBeginning(): boolean {
    return this.#work === undefined;
  }

  get work(): W {
    return this.#work!;
  }

  begin(begin: (ticket: Ticket) => W, land: () => void): void {
    this.#work = begin(this);
    this.#work.promise.then(land, land);
  }

  forget(): void {
    this.#isForgotten = true;
    this.#work?.forget?.();
  }

  /** Waits to its end, or until the signal aborts. */
  wait(signal?: AbortSignal): Promise<Awaited<W["promise"]>> {
    this.#waiting++;
    const promise = this.work.promise as Promise<Awaited<W["promise"]>>;
    if (!signal) return promise;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason as Error);
        if (--this.#waiting > 0) return;
        this.#leave(this);
        this.work.abandon(signal.reason);
      };
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      const landed = (): void => signal.removeEventListener("abort", leave);
      promise.then(landed, landed);
      promise.then(resolve, reject);
    });
  }

  /** Lets it go on to its end though nobody waits; `false` where it does so already. */
  detach(): boolean {
    if (this.#waiting === Infinity) return false;
    this.#waiting = Infinity;
    return true;
  }
}

/**
 * Runs work once for all who ask for the same key while it is under way, also when it fails: all
 * get the same error, and the next to ask begins anew. Who has a signal leaves when it aborts;
 * the others do not notice, and the work is abandoned only when nobody waits any more.
 */
export class SingleFlight<W extends Work<unknown>> {
  readonly #flights = new Map<string, Flight<W>>();
  /** Those that nobody waits for any more and that may come to something all the same. */
  readonly #abandoned = new Map<string, Flight<W>>();
  /** Those that were forgotten and have not landed included. */
  readonly #inTheAir = new Set<Flight<W>>();

  /** What is under way for a key. */
  get(key: string): Flight<W> | undefined {
    return this.#flights.get(key);
  }

  /** Begins in place of what is under way, if anything is. */
  begin(key: string, begin: (ticket: Ticket) => W): Flight<W> {
    this.forget(key);
    const remove = (landed: Flight<W>): void => {
      this.#inTheAir.delete(landed);
      for (const flights of [this.#flights, this.#abandoned])
        if (flights.get(key) === landed) flights.delete(key);
    };
    const flight = new Flight<W>((left) => {
      remove(left);
      if (left.forgotten) return;
      this.#abandoned.set(key, left);
      const [oldest] = this.#abandoned.keys();
      if (this.#abandoned.size > maxAbandoned) this.forget(oldest!);
    });
    // Before it begins: work that asks for its own key must not begin it once more.
    this.#flights.set(key, flight);
    this.#inTheAir.add(flight);
    try {
      flight.begin(begin, () => remove(flight));
    } catch (error) {
      remove(flight);
      throw error;
    }
    return flight;
  }

  /** Lets those who wait have what is under way, and the next to ask begin anew. */
  forget(key: string): void {
    for (const flights of [this.#flights, this.#abandoned]) {
      const flight = flights.get(key);
      if (!flight) continue;
      flights.delete(key);
      flight.forget();
    }
  }

  forgetAll(): void {
    for (const key of [...this.#flights.keys(), ...this.#abandoned.keys()]) this.forget(key);
  }

  /** Gives up all that is under way, and answers when it has ended. */
  async abandonAll(reason: unknown): Promise<void> {
    const left = [...this.#inTheAir];
    this.forgetAll();
    for (const { work } of left) work.abandon(reason);
    await Promise.allSettled(left.map(({ work }) => work.promise));
  }
}
