import { randomUUID } from "node:crypto";
import type { Kernel } from "../kernel/kernel.js";
import type { Invoke } from "../plugin.js";
import { activeNode } from "./active-node.js";
import { shared } from "./shared-state.js";

/** The running call, as the method and its advice see it. */
export interface Call {
  /** The operation's id. */
  readonly id: string;
  /** From 1. */
  readonly attempt: number;
  /** Aborts when the caller gives up or time runs out. Made when first read. */
  readonly signal: AbortSignal;
  /** When the call must be over, in milliseconds since the epoch; `undefined` without a limit. */
  readonly deadline: number | undefined;
  /** The caller's, or a fresh UUID that everything inside this call shares. */
  readonly correlationId: string;
  /** Whether the call has been given up, without making a signal. */
  readonly aborted: boolean;
  /** Why, where `aborted`. */
  readonly reason: unknown;
  /** The same object for every attempt of this call, and for no other call: what a `WeakMap` can be asked for. */
  readonly invocation: object;
  /**
   * The nearest call around this one that has not ended: of the same operation, where an advice
   * derived this call from it, or of the one that made it.
   */
  readonly enclosing: Call | undefined;
}

/** What a derived call has of its own. */
export interface CallChanges {
  readonly attempt?: number;
  /** In milliseconds since the epoch. Never later than what encloses it. */
  readonly deadline?: number;
  /**
   * Not derived from the running call at all: no caller's signal, deadline, correlation id or
   * outcome reaches it. For work that several callers share.
   */
  readonly detached?: boolean;
  /** Keeps what is noted inside it in {@link CallScope.collected}, too. */
  readonly collect?: boolean;
}

/** A derived call in the hands of the advice that made it. */
export interface CallScope {
  readonly call: Call;
  /** Of a call that is detached or collects: what the advice inside it has noted. Of a detached one it reaches nobody else. */
  readonly collected: OutcomeNotes | undefined;
  run(next: Invoke, self: unknown, args: unknown[]): unknown;
  abort(reason: unknown): void;
}

/** How a result came about. */
export interface OutcomeNotes {
  readonly degraded?: boolean;
  readonly stale?: boolean;
  readonly cached?: boolean;
  /** Attempts that the method took, counting the one that succeeded. */
  readonly attempts?: number;
}

/** What a caller says about the calls inside a function. */
export interface CallerContext {
  readonly signal?: AbortSignal;
  /** In milliseconds since the epoch. */
  readonly deadline?: number;
  readonly correlationId?: string;
}

type Collected = { -readonly [Note in keyof OutcomeNotes]-?: NonNullable<OutcomeNotes[Note]> };

/** Nothing collected so far. */
export function noNotes(): Collected {
  return { degraded: false, stale: false, cached: false, attempts: 0 };
}

interface Origin {
  readonly kernel: Kernel;
  /** Absent outside any operation: a caller's own context. */
  readonly id?: string;
  readonly parent?: CallNode;
}

/** Where calls were detached while a kernel's step ran. They are no part of the call there, and of the step they are. */
export const detachedAt = new WeakMap<CallNode, CallNode>();

/**
 * A node in the tree of calls. Abort travels from the root outwards; a node joins its parent's
 * list of children only once somebody wants its signal, and leaves it when it ends.
 */
export class CallNode implements Call, CallScope {
  readonly kernel: Kernel;
  readonly id: string;
  readonly isOperation: boolean;
  readonly attempt: number = 1;
  readonly deadline: number | undefined;
  /** The node that the operation's invocation began with; attempts derive from it. */
  readonly top: CallNode;
  /** Collects what happens in the calls made directly inside, for `kernel.outcome()`. */
  collected: Collected | undefined;
  #parent: CallNode | undefined;
  #correlationId: string | undefined;
  #controller: AbortController | undefined;
  #children: Set<CallNode> | undefined;
  #aborted = false;
  #reason: unknown;
  #ended = false;

  constructor({ kernel, id, parent }: Origin, changes?: CallChanges & CallerContext, top?: CallNode) {
    this.kernel = kernel;
    this.id = id ?? "";
    this.isOperation = id !== undefined;
    this.#parent = parent;
    this.top = top ?? this;
    const own = changes?.deadline;
    const enclosing = this.enclosing?.deadline;
    // Its parent's too, so that a chain of calls that nobody awaits does not grow.
    void parent?.top.enclosing;
    this.deadline = own === undefined || (enclosing !== undefined && enclosing < own) ? enclosing : own;
    // A derived call belongs to the attempt that it is derived in.
    if (top && parent) this.attempt = parent.attempt;
    if (changes) {
      if (changes.attempt !== undefined) this.attempt = changes.attempt;
      if (changes.correlationId !== undefined) this.#correlationId = changes.correlationId;
    }
  }

  /** Whether the invocation that it belongs to has ended. */
  get over(): boolean {
    return this.#ended || this.top.#ended;
  }

  /**
   * The nearest enclosing call that has not ended. Work that goes on after its call, such as a
   * loop that schedules itself, keeps the correlation id and nothing else of it: neither its
   * deadline, nor its signal, nor the memory of all that went before.
   */
  get enclosing(): CallNode | undefined {
    while (this.#parent?.over) {
      this.#correlationId ??= this.#parent.correlationId;
      this.#parent = this.#parent.enclosing;
    }
    return this.#parent;
  }

  get call(): Call {
    return this;
  }

  get invocation(): object {
    return this.top;
  }

  get correlationId(): string {
    return (this.#correlationId ??= this.#parent?.correlationId ?? randomUUID());
  }

  get aborted(): boolean {
    return this.#aborted || (this.#parent?.aborted ?? false);
  }

  get reason(): unknown {
    return this.#aborted ? this.#reason : this.#parent?.reason;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.reason);
      else if (!this.#ended) this.#parent?.adopt(this);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
    for (const child of this.#children ?? []) child.abort(reason);
  }

  /** The invocation is over: lets go of the enclosing call, and with it of everything derived. */
  end(): void {
    this.#ended = true;
    this.#parent?.release(this);
  }

  run(next: Invoke, self: unknown, args: unknown[]): unknown {
    return shared.context.run(this, next, self, args);
  }

  fork(changes: CallChanges): CallNode {
    const derived = new CallNode({ kernel: this.kernel, id: this.id, parent: this }, changes, this.top);
    if (changes.collect) derived.collected = noNotes();
    return derived;
  }

  /** Adds notes to whoever collects them about this operation's invocation. */
  note(notes: OutcomeNotes): void {
    let node: CallNode | undefined = this;
    for (; node && node !== this.top; node = node.#parent) node.#collect(notes);
    (this.top.#parent ?? this.top).#collect(notes);
  }

  #collect({ degraded = false, stale = false, cached = false, attempts = 0 }: OutcomeNotes): void {
    const { collected } = this;
    if (!collected) return;
    collected.degraded ||= degraded;
    collected.stale ||= stale;
    collected.cached ||= cached;
    collected.attempts = Math.max(collected.attempts, attempts);
  }

  private adopt(child: CallNode): void {
    (this.#children ??= new Set()).add(child);
    this.#parent?.adopt(this);
  }

  private release(child: CallNode): void {
    if (!this.#children?.delete(child) || this.#children.size > 0 || this.#controller) return;
    this.#parent?.release(this);
  }
}

/**
 * The decorated call that is running, for its method and everything that the method calls.
 * There wherever an advice needs it, and everywhere under `system.context: true`.
 *
 * ```ts
 * async load(url: string) {
 *   return fetch(url, { signal: currentOperation()?.signal });
 * }
 * ```
 */
export function currentOperation(): Call | undefined {
  const node = activeNode();
  return node?.isOperation ? node : undefined;
}
