import {
  ConfigurationError,
  createMethodDecorator,
  type Advice,
  type Binding,
  type CallScope,
  type DecorationOptions,
  type Duration,
  type Invoke,
} from "@mlmcp/core";
import { absent } from "../cache.js";
import { KernelCache, isEnabled, sectionOf } from "../kernel-cache.js";
import { createKeys, keyspace } from "../key.js";
import { cachedSchema, type CachedOptions } from "../options.js";
import { createOwner } from "../owner.js";
import type { Plan } from "../plan.js";
import type { Work } from "../single-flight.js";
import type { AnyParameters, AnyResult, CachedDecoration } from "./cached-types.js";

/**
 * Keeps what a method returns, in memory and in the store, and runs it once for all who ask for
 * the same at the same time. The key is the operation and its arguments, whatever their types;
 * `this` is not part of it. Errors are not kept, and a cache that fails never fails a call.
 *
 * Only for methods that return promises.
 *
 * ```ts
 * class Reports {
 *   @cached("5m")
 *   async summary(region: string, filter: { from: Date }): Promise<Summary> {
 *     return this.db.summarise(region, filter);
 *   }
 *
 *   @cached({ files: (path: string) => path })
 *   async profile(path: string): Promise<Profile> {
 *     return profileCsv(path);
 *   }
 * }
 * ```
 */
export const cached = createMethodDecorator<CachedOptions, Duration>({
  name: "cached",
  schema: cachedSchema,
  shorthand: { schema: { duration: true }, read: (ttl) => ({ ttl }) },
  parts: [{ at: "cache", around }],
  defaults: (config) => ({ ttl: sectionOf(config).ttl }),
  enabled: isEnabled,
}) as CachedDecorator;

/** The type of {@link cached}: its options' functions are checked against the method. */
export interface CachedDecorator {
  <
    KeyArgs extends AnyParameters = AnyParameters,
    FilesArgs extends AnyParameters = AnyParameters,
    WhenArgs extends AnyParameters = AnyParameters,
    Result = AnyResult,
  >(
    options?: Duration | (CachedOptions<KeyArgs, FilesArgs, WhenArgs, Result> & DecorationOptions),
  ): CachedDecoration<KeyArgs | FilesArgs | WhenArgs, Result>;
  readonly advice: Advice<CachedOptions, Duration>;
}

function around(next: Invoke, binding: Binding<CachedOptions>): Invoke {
  const { cache, digests } = binding.resolve(KernelCache);
  const { operation, options } = binding;
  const { files, when, isolate = true } = options;
  const ttl = options.ttl as number;
  const keyOf = createKeys(operation.id, cache.spaceOf(keyspace(operation.id, options)), options.key);
  const found = { cached: true };
  const owner = createOwner(cache, operation.id, {
    event: (name) => binding.event(name),
    onHit: () => binding.note(found),
  });
  const load = (text: string, plan: Plan): Promise<unknown> => cache.load(text, plan, binding.call()?.signal);
  const planOf = (self: unknown, args: unknown[]): Plan => {
    let scope: CallScope | undefined;
    return {
      owner,
      ttl,
      isolate,
      begin() {
        scope = binding.fork({ detached: true });
        return runDetached(scope, next, binding, self, args);
      },
      alone: () => next(self, args),
      // What stands in for a result, such as one of `@chaos`, is for those who wait and nobody else.
      wanted: (result) => !scope?.collected?.degraded && (when?.(result, args) ?? true),
    };
  };

  if (!files) {
    return (self, args) => {
      const text = keyOf(args);
      const value = cache.recall(text, owner);
      return value === absent ? load(text, planOf(self, args)) : Promise.resolve(value);
    };
  }

  const filesOf = (args: unknown[]): readonly string[] => {
    const paths: unknown = files(...args);
    if (typeof paths === "string") return [paths];
    if (Array.isArray(paths) && paths.every((path) => typeof path === "string")) return paths;
    throw new ConfigurationError(
      `The \`files\` of @cached on ${operation.id} gave ${JSON.stringify(paths)}. Return a path or an array of paths.`,
      { code: "MLMCP_CACHE_KEY", context: { operation: operation.id } },
    );
  };
  const contentOf = async (paths: readonly string[]): Promise<string | undefined> => {
    try {
      return await digests.of(paths);
    } catch (error) {
      owner.observer.failed("files", error);
      return undefined;
    }
  };
  return async (self, args) => {
    const text = keyOf(args);
    const paths = filesOf(args);
    const content = await contentOf(paths);
    // The method's own error about a file that cannot be read says more.
    if (content === undefined) return next(self, args);
    const key = `${text}|${content}`;
    const value = cache.recall(key, owner);
    if (value !== absent) return value;
    const plan = planOf(self, args);
    return load(key, {
      ...plan,
      // A file that changed while the method ran may have been read before or after.
      wanted: async (result) => (await plan.wanted(result)) && (await contentOf(paths)) === content,
    });
  };
}

/** In a call of its own: no caller's signal, deadline or correlation id reaches what several wait for. */
function runDetached(
  scope: CallScope | undefined,
  next: Invoke,
  binding: Binding<CachedOptions>,
  self: unknown,
  args: unknown[],
): Work<unknown> {
  const run = async (): Promise<unknown> => {
    if (!scope) return next(self, args);
    try {
      return await scope.run(next, self, args);
    } finally {
      // How it came about is told to the caller who began it.
      if (scope.collected) binding.note(scope.collected);
    }
  };
  return { promise: run(), abandon: (reason) => scope?.abort(reason) };
}
