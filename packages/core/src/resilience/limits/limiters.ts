import { isDeepStrictEqual } from "node:util";
import { ConfigurationError } from "../../errors/index.js";

/** What limits the calls of one operation, or of several that share it. */
export interface Limiter<Limits> {
  /** Takes other limits without losing count. */
  limit(limits: Limits): void;
  /** Nothing passes any more: the last operation that used it has gone. */
  end(): void;
}

interface Use<Limits, L> {
  /** Who uses it: an operation's id. */
  readonly operation: string;
  /** The name under which several operations share one. */
  readonly sharedAs: string | undefined;
  readonly limits: Limits;
  readonly create: () => L;
  /** Whether it counts all calls of the operation together: not those of each key, nor in another place. @default true */
  readonly countsAll?: boolean;
}

/** The part that one operation has in a limiter. */
export interface Membership<L> {
  readonly limiter: L;
  /**
   * Brings the limits of this operation to bear.
   *
   * @param configuration the one that gave the limits
   * @throws ConfigurationError where another operation was given others by the same configuration
   */
  confirm(configuration: object): void;
  /** The operation uses it no more. */
  leave(): void;
}

/**
 * Ends a membership that `binding.keep` keeps. A closure made in a decorator would hold the
 * operation, which then would stay as long as the kernel.
 */
export function leaveLimiter(membership: Membership<unknown>): void {
  membership.leave();
}

interface Member<Limits> {
  readonly operation: string;
  readonly limits: Limits;
  readonly countsAll: boolean;
  configuration: object | undefined;
}

interface Shared<Limits, L> {
  readonly limiter: L;
  readonly members: Set<Member<Limits>>;
}

/**
 * The limiters of one kind in one kernel: one for each operation, or for all that name it. Limits
 * that a reload changes are brought to the same limiter, which so keeps count of what is running.
 */
export class Limiters<Limits extends object, L extends Limiter<Limits>> {
  readonly #decorator: string;
  readonly #own = new Map<string, Shared<Limits, L>>();
  readonly #shared = new Map<string, Shared<Limits, L>>();

  /** @param decorator whose limits these are, for messages */
  constructor(decorator: string) {
    this.#decorator = decorator;
  }

  /** Each with the operation that it belongs to, or the name that it is shared by. */
  *entries(): Iterable<{
    readonly name: string;
    readonly operations: readonly string[];
    readonly limiter: L;
    /** Whether all calls of all operations count in it together. */
    readonly countsAll: boolean;
  }> {
    for (const limiters of [this.#own, this.#shared]) {
      for (const [name, { limiter, members }] of limiters) {
        const operations = [...new Set(Array.from(members, ({ operation }) => operation))];
        const countsAll = [...members].every((member) => member.countsAll);
        yield { name, operations, limiter, countsAll };
      }
    }
  }

  join({ operation, sharedAs, limits, create, countsAll = true }: Use<Limits, L>): Membership<L> {
    const limiters = sharedAs === undefined ? this.#own : this.#shared;
    const name = sharedAs ?? operation;
    let shared = limiters.get(name);
    if (!shared) limiters.set(name, (shared = { limiter: create(), members: new Set() }));
    const { limiter, members } = shared;
    const member: Member<Limits> = { operation, limits, countsAll, configuration: undefined };
    members.add(member);
    return {
      limiter,
      confirm: (configuration) => {
        for (const other of members) {
          if (other.operation === operation || other.configuration !== configuration) continue;
          if (!isDeepStrictEqual(other.limits, limits)) throw this.#conflict(name, member, other);
        }
        member.configuration = configuration;
        limiter.limit(limits);
      },
      leave: () => {
        members.delete(member);
        if (members.size > 0 || limiters.get(name) !== shared) return;
        limiters.delete(name);
        limiter.end();
      },
    };
  }

  #conflict(name: string, one: Member<Limits>, other: Member<Limits>): ConfigurationError {
    const limits = ({ operation, limits: given }: Member<Limits>) => `${operation} ${JSON.stringify(given)}`;
    return new ConfigurationError(
      `Two operations share the @${this.#decorator} "${name}" and give it different limits: ${limits(other)}, ${limits(one)}.`,
      {
        code: "MLMCP_SHARED_LIMITS",
        context: { sharedAs: name, operations: [other.operation, one.operation] },
        suggestions: ["Give all of them the same limits, or each a name of its own in `sharedAs`."],
      },
    );
  }
}
