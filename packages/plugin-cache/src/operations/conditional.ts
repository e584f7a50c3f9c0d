import { ConfigurationError, currentOperation, type Call, type PluginKernel } from "@mlmcp/core";
import { unchanged as unchangedValue, type Previous } from "../engine/plan.js";

/** What one run of a cached method knows of the value that it is to replace, and said about its own. */
export class Conditional {
  readonly previous: Previous | undefined;
  #confirmed: { readonly value: unknown } | undefined;
  #tagged: { readonly value: unknown; readonly etag: string } | undefined;

  constructor(previous: Previous | undefined) {
    this.previous = previous;
  }

  /** The old value, in a copy that may be handed on. @throws ConfigurationError where there is none */
  confirm(): unknown {
    if (!this.previous) throw nothingBefore();
    this.#confirmed = { value: this.previous.value };
    return this.#confirmed.value;
  }

  tag(value: unknown, etag: string): void {
    this.#tagged = { value, etag };
  }

  /** What the cache is told where the method answered with `value`: an earlier attempt may have said something else. */
  outcomeOf(value: unknown): unknown {
    return this.#confirmed && Object.is(this.#confirmed.value, value) ? unchangedValue : value;
  }

  etagOf(value: unknown): string | undefined {
    return this.#tagged && Object.is(this.#tagged.value, value) ? this.#tagged.etag : undefined;
  }
}

/** A run of a cached method, as those find it that are called in it. */
interface Run {
  readonly conditional: Conditional;
  /** What the cache calls it. */
  readonly work: object;
}

const running = new WeakMap<object, Run>();
/** Kernels that cache, and keep no context by which a run could be found. */
const withoutContext = new Set<string>();

/** Lets the calls below find a run by the call that it is made in. */
export function offer(invocation: object, run: Run): void {
  running.set(invocation, run);
}

/** The work of the nearest run around a call, the call itself included. */
export function workAround(call: Call | undefined): object | undefined {
  for (let around = call; around; around = around.enclosing) {
    const run = running.get(around.invocation);
    if (run) return run.work;
  }
  return undefined;
}

/** Takes note of whether a kernel keeps contexts. */
export function noteContext({ id, config }: PluginKernel, isCaching: boolean): void {
  if (isCaching && config.get("system.context") === false) withoutContext.add(id);
  else withoutContext.delete(id);
}

export function forgetContext({ id }: PluginKernel): void {
  withoutContext.delete(id);
}

/**
 * The result that the running call of a cached method is to replace, stale or due for a refresh,
 * so that the method can ask its source whether it has changed. `undefined` where there is none:
 * at the first call, without `grace` and `refreshAfter`, where caching is off, and in a worker.
 *
 * ```ts
 * class Rates {
 *   @cached({ ttl: "5m", grace: "1d" })
 *   async load(day: string): Promise<Table> {
 *     const previous = previousResult<Table>();
 *     const response = await fetch(`https://rates.example/${day}`, {
 *       headers: previous?.etag ? { "If-None-Match": previous.etag } : {},
 *     });
 *     if (response.status === 304) return unchanged();
 *     return changed(await response.json(), { etag: response.headers.get("etag") });
 *   }
 * }
 * ```
 *
 * @throws ConfigurationError (`MLMCP_CONTEXT_OFF`) where `system.context` is false: it is found by the call's context
 */
export function previousResult<T = unknown>(): Previous<T> | undefined {
  return find("previousResult()")?.previous as Previous<T> | undefined;
}

/**
 * Says that the previous result is still right, and gives a copy of it to return: it is kept with
 * its time begun anew.
 *
 * @throws ConfigurationError (`MLMCP_CACHE_UNCHANGED`) where {@link previousResult} gives none
 */
export function unchanged(): never {
  const conditional = find("unchanged()");
  if (!conditional) throw nothingBefore();
  return conditional.confirm() as never;
}

/**
 * Gives back a value to return, and keeps beside it what tells its source whether it has changed,
 * for the next {@link previousResult}.
 */
export function changed<T>(value: T, { etag }: { readonly etag: string | null | undefined }): T {
  if (etag !== null && etag !== undefined) find("changed()")?.tag(value, etag);
  return value;
}

function find(name: string): Conditional | undefined {
  const call = currentOperation();
  if (call) return running.get(call.invocation)?.conditional;
  if (withoutContext.size === 0) return undefined;
  throw new ConfigurationError(
    `${name} finds the call that it is made in by its context, and \`system.context\` is false. Remove that setting.`,
    { code: "MLMCP_CONTEXT_OFF", context: { called: name } },
  );
}

function nothingBefore(): ConfigurationError {
  return new ConfigurationError(
    "unchanged() was called where there is no previous result. Call it only where previousResult() gave one.",
    { code: "MLMCP_CACHE_UNCHANGED" },
  );
}
