/** Work that is under way for everybody who asks for the same key. */
export interface Work<T> {
  readonly promise: Promise<T>;
  /** Called when the last one that waited has gone. */
  abandon(reason: unknown): void;
}

/** What the work can know of those who wait for it. */
export interface Ticket {
  /** Whether the key was given up meanwhile, so that the result must not be kept. */
  readonly forgotten: boolean;
}

/** What one of those who wait gets. */
export interface Landing<T> {
  readonly value: T;
  /** Whether this one began the work. */
  readonly first: boolean;
}

interface Flight<T> extends Ticket {
  readonly work: Work<T>;
  waiting: number;
  forgotten: boolean;
}

/**
 * Runs work once for all who ask for the same key while it is under way, also when it fails: all
 * get the same error, and the next to ask begins anew. Who has a signal leaves when it aborts;
 * the others do not notice, and the work is abandoned only when nobody waits any more.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  async join(key: string, begin: (ticket: Ticket) => Work<T>, signal?: AbortSignal): Promise<Landing<T>> {
    signal?.throwIfAborted();
    const running = this.#flights.get(key);
    const flight = running ?? this.#begin(key, begin);
    const value = await (signal ? this.#waitUnless(signal, key, flight) : wait(flight));
    return { value, first: running === undefined };
  }

  /** Lets those who wait have what is under way, and the next to ask begin anew. */
  forget(key: string): void {
    const flight = this.#flights.get(key);
    if (!flight) return;
    flight.forgotten = true;
    this.#flights.delete(key);
  }

  forgetAll(): void {
    for (const key of [...this.#flights.keys()]) this.forget(key);
  }

  #begin(key: string, begin: (ticket: Ticket) => Work<T>): Flight<T> {
    const ticket = { forgotten: false };
    const flight: Flight<T> = Object.assign(ticket, { waiting: 0, work: begin(ticket) });
    this.#flights.set(key, flight);
    const land = (): void => this.#remove(key, flight);
    flight.work.promise.then(land, land);
    return flight;
  }

  #remove(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  #waitUnless(signal: AbortSignal, key: string, flight: Flight<T>): Promise<T> {
    flight.waiting++;
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason as Error);
        if (--flight.waiting > 0) return;
        this.#remove(key, flight);
        flight.work.abandon(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      const landed = (): void => signal.removeEventListener("abort", leave);
      flight.work.promise.then(landed, landed);
      flight.work.promise.then(resolve, reject);
    });
  }
}

/** Without a signal nobody leaves early. */
function wait<T>(flight: Flight<T>): Promise<T> {
  flight.waiting++;
  return flight.work.promise;
}
