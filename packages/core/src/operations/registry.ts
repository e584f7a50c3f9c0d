import { nearest } from "../config/nearest.js";
import type { ConfigProblem } from "../config/problems.js";
import type { ConfigReader } from "../config/reader.js";
import { ConfigurationError } from "../errors/index.js";
import { explainChain, resolveChain, type ChainContext, type OperationExplanation } from "./chain.js";
import { liveOperations, type Operation, type OperationInfo } from "./operation.js";
import { describePending, pendingFor } from "./pending.js";

/** The decorated methods of the process, seen from one kernel. */
export interface OperationRegistry {
  /** All that are alive, by id. Those of standard decorators appear once their class is known. */
  list(): OperationInfo[];
  get(id: string): OperationInfo | undefined;
  /** Those of standard decorators whose class is not known yet: what their ids will be nobody can say. */
  pending(): OperationInfo[];
  /** The chain of an operation, each effective option with where it came from. */
  explain(id: string): OperationExplanation;
}

/** Sees to it that one id means one operation in one kernel. */
export class Operations implements OperationRegistry {
  readonly #claims = new Map<string, WeakRef<Operation>>();
  readonly #collected = new FinalizationRegistry<string>((id) => {
    if (this.#claims.get(id)?.deref() === undefined) this.#claims.delete(id);
  });

  constructor(
    private readonly kernel: object,
    private readonly context: () => ChainContext,
  ) {}

  list(): Operation[] {
    const byId = new Map<string, Operation>();
    for (const operation of liveOperations()) {
      if (operation.pending || (operation.kernel && operation.kernel !== this.kernel)) continue;
      // What this kernel has called stands for its id; otherwise what was declared last.
      const claimed = this.#claims.get(operation.id)?.deref();
      if (!claimed || claimed === operation) byId.set(operation.id, operation);
    }
    return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Those of {@link list}, and those whose class is not known yet. */
  all(): Operation[] {
    return [...this.list(), ...this.pending()];
  }

  pending(): Operation[] {
    return [...liveOperations()].filter(({ pending }) => pending);
  }

  get(id: string): Operation | undefined {
    return this.list().find((operation) => operation.id === id);
  }

  explain(id: string): OperationExplanation {
    const operation = this.get(id);
    if (operation) return explainChain(operation, this.context());
    const ids = this.list().map((known) => known.id);
    throw new ConfigurationError(`There is no operation "${id}". ${this.#hint(id, ids)}`, {
      code: "MLMCP_UNKNOWN_OPERATION",
      context: { id },
    });
  }

  #hint(id: string, ids: readonly string[]): string {
    const pending = pendingFor(id, this.pending());
    if (pending.length > 0) return `It may be ${describePending(pending)}`;
    const meant = nearest(id, ids);
    if (meant) return `Did you mean "${meant}"?`;
    return ids.length > 0
      ? `Known are: ${ids.join(", ")}.`
      : "None is declared yet: import the classes first.";
  }

  /**
   * What is wrong with a configuration by which operations could not be called any more that can be
   * by the present one, such as options that contradict each other.
   */
  brokenBy(config: ConfigReader, present: ConfigReader): ConfigProblem[] {
    return this.list().flatMap((operation) => {
      const message = this.#problemOf(operation, config);
      const isNew = message !== undefined && this.#problemOf(operation, present) === undefined;
      return isNew ? [{ path: "", message }] : [];
    });
  }

  #problemOf(operation: Operation, config: ConfigReader): string | undefined {
    try {
      resolveChain(operation, { ...this.context(), config });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /**
   * The operation is about to run under its id. A module that was evaluated again replaces its
   * own; anything else that shares an id would share caches, breakers and metrics unawares.
   * Returns the operation that lost its id, if any.
   */
  claim(operation: Operation): Operation | undefined {
    const current = this.#claims.get(operation.id)?.deref();
    if (current === operation) return undefined;
    if (current) {
      const again = isSamePlace(current, operation);
      if (!again || operation.ordinal < current.ordinal) throw duplicate(operation, current, again);
    }
    this.#claims.set(operation.id, new WeakRef(operation));
    this.#collected.register(operation, operation.id);
    return current;
  }
}

function isSamePlace({ source: a, kind }: Operation, { source: b }: Operation): boolean {
  return kind !== "function" && !!a && !!b && a.file === b.file && a.line === b.line && a.column === b.column;
}

function duplicate(operation: Operation, current: Operation, again: boolean): ConfigurationError {
  const where = ({ source }: Operation) => (source ? `${source.file}:${source.line}` : "an unknown place");
  const story = again
    ? `${where(current)} was evaluated more than once and both classes are in use; a class made inside a function needs a name of its own each time`
    : `both ${where(current)} and ${where(operation)} declare it`;
  return new ConfigurationError(
    `Two operations are called "${operation.id}": ${story}. Give one of them another id with the option \`name\` of its decorators.`,
    {
      code: "MLMCP_OPERATION_DUPLICATE",
      context: { operation: operation.id, places: [where(current), where(operation)] },
    },
  );
}
