import {
  Breaker,
  CircuitOpenError,
  OperationTimeoutError,
  type BreakerPolicy,
  type Ticket,
} from "@mlmcp/core";
import { RefusedError } from "../refused-error.js";
import { afterTurning } from "../time-limit.js";
import { belongsTo, Episode } from "./episode.js";

export interface CircuitOptions {
  /** The store's. */
  readonly name: string;
  /** How long a call may take. Milliseconds. */
  readonly timeout: number;
  /**
   * Asks whether the store is there again, and brings it what it has missed. Rejects where it is not.
   *
   * @param patience how long each step may take. Milliseconds. @default the usual time
   */
  recover(patience?: number): Promise<void>;
  opened(reason: Error): void;
  closed(): void;
}

export interface CallOptions<T> {
  /** How long it may take, in place of the usual time. Milliseconds. */
  readonly patience?: number;
  /** Given what comes when it is too late. */
  readonly late?: (answer: T) => void;
}

const failureThreshold = 3;
/** How much of the usual time a call may take once one has taken too long. */
const suspectShare = 0.1;
const [firstPauseMs, lastPauseMs] = [500, 30_000];
/** A store that dies goes on answering on some connections for a moment: that does not end an outage. */
const shortestOutageMs = 1_000;

/**
 * Cuts a store off that does not answer: each call after its time, all calls after some that
 * failed in a row. From then on it is asked once in a while whether it is there again, with a pause
 * that doubles. Calls never are the probe: before they are let through, the store has to be told
 * what it missed.
 */
export class Circuit {
  readonly #options: CircuitOptions;
  readonly #breaker: Breaker;
  /** What ends the calls that wait for an answer. */
  readonly #ends = new Set<(error: Error) => void>();
  #pause = firstPauseMs;
  /** Since it was waited for in vain, nothing has come from it. */
  #isSuspect = false;
  #reason: unknown;
  #error: CircuitOpenError | undefined;
  #outage: Episode | undefined;
  #recovering: Promise<void> | undefined;

  constructor(options: CircuitOptions) {
    this.#options = options;
    this.#breaker = new Breaker(this.#policy(), {
      opened: () => this.#opened(),
      halfOpened: () => void this.#probe(),
      closed: () => {
        this.#pause = firstPauseMs;
        this.#error = undefined;
        this.#outage = undefined;
        options.closed();
      },
    });
  }

  get isOpen(): boolean {
    return this.#breaker.state !== "closed";
  }

  /** What calls get while it is open: since when, and why. */
  get error(): CircuitOpenError | undefined {
    return this.#error;
  }

  /** What failures belong to: that which goes on, or one that begins now. */
  get outage(): Episode {
    return (this.#outage ??= new Episode());
  }

  /**
   * Lets a call through, for its time.
   *
   * @throws CircuitOpenError, OperationTimeoutError, or what the store fails with
   */
  call<T>(what: string, work: () => Promise<T>, options?: CallOptions<T>): Promise<T> {
    return this.#error ? Promise.reject(this.#error) : this.#run(what, work, options, this.#breaker.admit());
  }

  /** The work's answer, where it comes in time. Whether it does opens and closes nothing. */
  inTime<T>(what: string, work: () => Promise<T>, options?: CallOptions<T>): Promise<T> {
    return this.#run(what, work, options);
  }

  /** Lets a call through that may take as long as it likes. @throws CircuitOpenError, or what the store fails with */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#error) throw this.#error;
    const ticket = this.#breaker.admit();
    try {
      const answer = await work();
      this.#answered(ticket);
      return answer;
    } catch (error) {
      this.#failed(error, ticket);
      throw error;
    }
  }

  /** A call was given up without an answer. */
  gaveUp(reason: Error): void {
    if (!this.isOpen) this.#failed(reason, this.#breaker.admit());
  }

  /** One operation of the cache asks more than once: what was waited for in vain is not waited for again. */
  get #patience(): number {
    const { timeout } = this.#options;
    return this.#isSuspect ? timeout * suspectShare : timeout;
  }

  #run<T>(
    what: string,
    work: () => Promise<T>,
    { patience = this.#patience, late }: CallOptions<T> = {},
    ticket?: Ticket,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (): void => {
        isOver = true;
        endTime();
        this.#ends.delete(giveUp);
      };
      const giveUp = (error: Error): void => {
        end();
        this.#failed(error, ticket);
        reject(error);
      };
      const endTime = afterTurning(patience, () => {
        this.#isSuspect = true;
        giveUp(this.#late(what, patience));
      });
      this.#ends.add(giveUp);
      work().then(
        (answer) => {
          this.#isSuspect = false;
          if (isOver) return late?.(answer);
          end();
          this.#answered(ticket);
          resolve(answer);
        },
        (error: unknown) => {
          if (isOver) return;
          end();
          this.#failed(error, ticket);
          reject(error as Error);
        },
      );
    });
  }

  #answered(ticket: Ticket | undefined): void {
    this.#isSuspect = false;
    if (ticket === undefined) return;
    if (!this.isOpen && this.#outage && Date.now() - this.#outage.since >= shortestOutageMs)
      this.#outage = undefined;
    this.#breaker.succeed(ticket);
  }

  #failed(error: unknown, ticket: Ticket | undefined): void {
    // Who refuses is there.
    if (error instanceof RefusedError) return this.#answered(ticket);
    if (error !== this.#error) belongsTo(error, this.outage);
    if (ticket === undefined) return;
    this.#reason = error;
    this.#breaker.fail(ticket, error);
  }

  /** Cuts the store off, for something that failed beside the calls. */
  open(reason: unknown): void {
    if (this.isOpen) return;
    this.#reason = reason;
    this.#breaker.open();
  }

  /**
   * Asks at once, and not only after the pause, whether it is there again.
   *
   * @param patience as for {@link CircuitOptions.recover}
   * @throws what it fails with
   */
  async reconnect(patience?: number): Promise<void> {
    // What is under way may have less time.
    if (patience !== undefined) await this.#recovering?.catch(() => undefined);
    await this.#recover(patience);
    this.#breaker.close();
  }

  /** Ends its timers. Calls that wait for an answer get none. */
  dispose(): void {
    this.#breaker.dispose();
    this.#error = this.#down("is closed");
    for (const giveUp of this.#ends) giveUp(this.#error);
  }

  #policy(): BreakerPolicy {
    const pause = (): number => this.#pause;
    return {
      failureThreshold,
      failureRate: false,
      slowCall: false,
      window: { calls: 1 },
      minimumCalls: 1,
      // Read at each opening.
      get resetAfter() {
        return pause();
      },
      halfOpenProbes: 1,
      warmUp: 0,
      mode: "enforce",
    };
  }

  #opened(): void {
    if (this.#error) return;
    const { name, opened } = this.#options;
    const said = this.#reason instanceof Error ? this.#reason.message : String(this.#reason);
    // It becomes a part of other sentences.
    const reason = said.replace(/\.$/, "");
    this.#error = this.#down(`is cut off since ${new Date().toISOString()} (${reason})`);
    belongsTo(this.#error, "cut off");
    opened(new Error(`${name} does not answer: ${reason}`, { cause: this.#reason }));
  }

  async #probe(): Promise<void> {
    const ticket = this.#breaker.admit();
    try {
      await this.#recover();
      this.#breaker.succeed(ticket);
    } catch (error) {
      this.#pause = Math.min(this.#pause * 2, lastPauseMs);
      this.#breaker.fail(ticket, error);
    }
  }

  /** Once for all who ask at the same time. */
  #recover(patience?: number): Promise<void> {
    return (this.#recovering ??= this.#options
      .recover(patience)
      .finally(() => (this.#recovering = undefined)));
  }

  #late(what: string, ms: number): OperationTimeoutError {
    const { name, timeout } = this.#options;
    const why =
      ms === timeout
        ? " (cache.storeTimeout)"
        : ms === timeout * suspectShare
          ? `, a tenth of cache.storeTimeout (${timeout} ms), since it had not answered the call before`
          : "";
    return new OperationTimeoutError(`${name} has not answered a ${what} within ${ms} ms${why}.`, {
      code: "MLMCP_CACHE_STORE_TIMEOUT",
      context: { timeoutMs: ms },
    });
  }

  #down(what: string): CircuitOpenError {
    return new CircuitOpenError(`The cache's store ${this.#options.name} ${what}.`, {
      code: "MLMCP_CACHE_STORE_DOWN",
      cause: this.#reason,
    });
  }
}
