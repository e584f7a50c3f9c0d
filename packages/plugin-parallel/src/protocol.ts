import type { MessagePort } from "node:worker_threads";
import type { EncodedError } from "./error-codec.js";

/** A decorated method, named so that another thread that loads the same module finds it. */
export interface OperationTarget {
  readonly kind: "operation";
  /** The operation's id: finds it where the ordinal does not, and names it in messages. */
  readonly id: string;
  /** URL of the module that the worker imports. */
  readonly module: string;
  /** The file that the core recorded at decoration. */
  readonly file: string | undefined;
  /** The how-manieth operation of that file this is. */
  readonly ordinal: number;
  readonly method: string;
  readonly static: boolean;
  /** Name of the class whose body has the method. */
  readonly className: string | undefined;
  /** The class that the method was called on, where it is a subclass. */
  readonly subclass: { readonly name: string; readonly module: string } | undefined;
}

/** An exported function. */
export interface FunctionTarget {
  readonly kind: "function";
  /** URL of the module that exports it. */
  readonly module: string;
  readonly export: string;
}

export type Target = OperationTarget | FunctionTarget;

/**
 * How the arguments are applied: `once` calls with them; `each` calls once for every item of the
 * first argument, which is an array, and answers all results.
 */
export type Apply = "once" | "each";

/** What the callers' context gives to the worker. */
export interface CallContext {
  readonly correlationId?: string;
  /** In milliseconds since the epoch. */
  readonly deadline?: number;
}

/** A run names its target by the number that it was loaded under: the less a message holds, the cheaper it is. */
export type WorkerRequest =
  | { readonly kind: "load"; readonly id: number; readonly label: string; readonly target: Target }
  | {
      readonly kind: "run";
      readonly id: number;
      readonly args: readonly unknown[];
      readonly apply: Apply;
      /** Whether the method's other advice runs too. Where the call came through the decorator, it has run already. */
      readonly advised: boolean;
      readonly context: CallContext | undefined;
    }
  | { readonly kind: "stop" };

/** The first request brings the port for replies. */
export type WorkerMessage = WorkerRequest & { readonly port?: MessagePort };

export type WorkerReply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: EncodedError };

/** What a worker is started with. */
export interface WorkerSetup {
  /** Sections of the configuration in force, as data. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The directory that relative paths in it start from. */
  readonly cwd: string;
}
