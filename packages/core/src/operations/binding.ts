import type { ConfigReader } from "../config/reader.js";
import type { Token } from "../kernel/container.js";
import type { Kernel } from "../kernel/kernel.js";
import { EventChannel, type EventName } from "../kernel/events.js";
import type { Binding, Invoke } from "../plugin.js";
import { activeNode } from "./active-node.js";
import {
  CallNode,
  detachedAt,
  noNotes,
  type Call,
  type CallChanges,
  type CallScope,
  type OutcomeNotes,
} from "./call.js";
import type { KeptStates } from "./kept-states.js";
import type { OperationInfo } from "./operation.js";
import { settled } from "./settled.js";
import { shared } from "./shared-state.js";

/** What bindings need of the kernel that they are made for. */
export interface BindingHost {
  readonly id: string;
  readonly kernel: Kernel;
  readonly config: ConfigReader;
  readonly states: KeptStates;
  resolve<T>(token: Token<T>): T;
}

export class OperationBinding<Options extends object> implements Binding<Options> {
  readonly config: ConfigReader;
  readonly #host: BindingHost;
  readonly #advice: string;
  readonly #contextual: boolean;

  constructor(
    host: BindingHost,
    readonly operation: OperationInfo,
    readonly options: Readonly<Options>,
    { advice, contextual }: { advice: string; contextual: boolean },
  ) {
    this.config = host.config;
    this.#host = host;
    this.#advice = advice;
    this.#contextual = contextual;
  }

  // Functions of their own, so that a part may take them off its binding: `observe({ event })`.
  readonly resolve = <T>(token: Token<T>): T => this.#host.resolve(token);

  readonly call = (): Call | undefined => this.#node();

  readonly derive = (changes: CallChanges, next: Invoke, self: unknown, args: unknown[]): unknown => {
    const node = this.#node();
    return node ? node.fork(changes).run(next, self, args) : next(self, args);
  };

  readonly fork = (changes: CallChanges): CallScope | undefined => {
    if (!changes.detached) return this.#node()?.fork(changes);
    // Also where this chain keeps no context: that of an enclosing call must not leak in.
    const around = activeNode();
    if (!around) return undefined;
    const detached = new CallNode({ kernel: this.#host.kernel, id: this.operation.id }, changes);
    detached.collected = noNotes();
    if (shared.steps) detachedAt.set(detached, around);
    return detached;
  };

  readonly settled = settled;

  readonly note = (notes: OutcomeNotes): void => this.#node()?.note(notes);

  readonly event = <Name extends EventName>(name: Name): EventChannel<Name> =>
    new EventChannel(name, { kernel: this.#host.id, operation: this.operation.id });

  readonly keep = <State>(name: string, create: () => State, dispose?: (state: State) => void): State =>
    this.#host.states.keep(this.operation, `${this.#advice}/${name}`, this.options, create, dispose);

  #node(): CallNode | undefined {
    return this.#contextual ? activeNode() : undefined;
  }
}
