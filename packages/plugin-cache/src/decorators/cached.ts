import {
  createMethodDecorator,
  currentOperation,
  ErrorClassifier,
  type Advice,
  type Binding,
  type CallScope,
  type DecorationOptions,
  type Duration,
  type Invoke,
} from "@mlmcp/core";
import { absent } from "../engine/cache.js";
import { createCallKeys, sameKey } from "../operations/call-keys.js";
import { Conditional, offer, workAround } from "../operations/conditional.js";
import type { Work } from "../flights/single-flight.js";
import { unlessAborted } from "../flights/waiting.js";
import { createKeeping } from "../operations/keeping.js";
import { isEnabled, KernelCache, sectionOf } from "../kernel/kernel-cache.js";
import { createOwner } from "../kernel/owner.js";
import type { Caller, Plan, Previous } from "../engine/plan.js";
import { needsContext, timingOf, timingProblem } from "../options/timing.js";
import { cachedSchema, type CachedOptions, type EffectiveCachedOptions } from "../options/cached.js";
import type {
  ArgumentLists,
  FilesFunction,
  KeyFunction,
  TagsFunction,
  TtlFunction,
  WhenFunction,
} from "../options/functions.js";
import type { MethodDecoration } from "./method-types.js";

/**
 * Keeps what a method returns, in memory and in the store, and runs it once for all who ask for
 * the same at the same time. The key is the operation and its arguments, whatever their types;
 * `this` is not part of it unless `scope` says so. Errors are kept only where `cacheErrors` asks
 * for it, and a cache that fails never fails a call.
 *
 * Only for methods that return promises.
 *
 * ```ts
 * class Reports {
 *   @cached({ ttl: "5m", grace: "1h", tags: (_, [region]: [string]) => [`region:${region}`] })
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
 *
 * `@cached("5m")` is short for `@cached({ ttl: "5m" })`.
 */
export const cached = createMethodDecorator<CachedOptions, Duration>({
  name: "cached",
  schema: cachedSchema,
  shorthand: { schema: { duration: true }, read: (ttl) => ({ ttl }) },
  parts: [{ at: "cache", around }],
  defaults: (config) => ({ ttl: sectionOf(config).ttl }),
  enabled: isEnabled,
  context: (options) => needsContext(effective(options)),
  check: (options, { kind }) =>
    kind === "function" && options.warm !== undefined
      ? "warm: a function that is wrapped is there only once the kernel runs. Call it yourself."
      : timingProblem(effective(options)),
}) as CachedDecorator;

/** The type of {@link cached}: its options' functions are checked against the method. */
export interface CachedDecorator {
  <
    Key extends KeyFunction = KeyFunction,
    Files extends FilesFunction = FilesFunction,
    When extends WhenFunction = WhenFunction,
    Ttl extends TtlFunction = TtlFunction,
    Tags extends TagsFunction = TagsFunction,
    const Lists extends ArgumentLists = ArgumentLists,
  >(
    options?: Duration | (CachedOptions<Key, Files, When, Ttl, Tags, Lists> & DecorationOptions),
  ): CachedDecoration<Key | Files, When | Ttl, Tags, Lists>;
  readonly advice: Advice<CachedOptions, Duration>;
}

/** What `@cached(…)` is: a decorator for the methods that its functions fit. */
export type CachedDecoration<
  OfArguments = KeyFunction,
  OfResult = WhenFunction,
  OfBoth = TagsFunction,
  Lists = ArgumentLists,
> = MethodDecoration<{ ofArguments: OfArguments; ofResult: OfResult; ofBoth: OfBoth; lists: Lists }>;

function around(next: Invoke, binding: Binding<CachedOptions>): Invoke {
  const own = binding.resolve(KernelCache);
  const { cache, staleAnswers } = own;
  const { operation } = binding;
  const options = effective(binding.options);
  const { isolate, namespace: space } = options;
  const keys = createCallKeys(operation.id, options, own);
  const keeping = createKeeping(options, {
    subject: `@cached on ${operation.id}`,
    defaultTtl: sectionOf(binding.config).ttl,
    classifier: binding.resolve(ErrorClassifier),
  });
  const timing = timingOf(keeping.ttl, options);
  const found = { cached: true };
  const stale = { cached: true, stale: true };
  const owner = createOwner(cache, operation.id, {
    event: (name) => binding.event(name),
    onHit: () => binding.note(found),
    onStale: () => binding.note(stale),
  });
  const { files } = keys;

  const planOf = (self: unknown, args: unknown[], text: string): Plan => {
    let scope: CallScope | undefined;
    let conditional: Conditional | undefined;
    return {
      owner,
      timing,
      isolate,
      ...(space !== undefined && { space }),
      tags: keeping.tagsBefore(args, owner.observer.failed),
      ...(!options.key && { keyParts: args }),
      ...(keys.isPrivate(self) && { inMemoryOnly: true }),
      ...(keys.isAlterable(self, args) && { hasSameKey: sameKey(() => keys.textOf(self, args), text) }),
      begin(previous, work) {
        scope = binding.fork({ detached: true });
        conditional = scope && new Conditional(previous);
        return runDetached({ scope, conditional, work, previous, next, binding, self, args });
      },
      alone: () => next(self, args),
      async judge(outcome) {
        // What stands in for a result, such as one of `@chaos`, is for those who wait and nobody else.
        if (outcome.ok && scope?.collected?.degraded) return undefined;
        const verdict = await keeping.judge(outcome, args);
        const etag = outcome.ok ? conditional?.etagOf(outcome.value) : undefined;
        return verdict && etag !== undefined ? { ...verdict, etag } : verdict;
      },
    };
  };

  if (!files) {
    staleAnswers.offer(operation, {
      owner,
      grace: timing.grace ?? 0,
      textOf: (self, args) => keys.textOf(self, [...args]),
    });
    return (self, args) => {
      const text = keys.textOf(self, args);
      const value = cache.recall(text, owner);
      if (value !== absent) return binding.settled(value);
      return cache.load(text, planOf(self, args, text), callerIn(binding));
    };
  }

  const textWith = async (text: string, paths: ReturnType<typeof files.of>): Promise<string | undefined> => {
    try {
      return await files.textOf(text, paths);
    } catch (error) {
      owner.observer.failed("files", error);
      return undefined;
    }
  };
  staleAnswers.offer(operation, {
    owner,
    grace: timing.grace ?? 0,
    textOf: (self, args) => textWith(keys.textOf(self, [...args]), files.of([...args])),
  });
  return async (self, args) => {
    const plain = keys.textOf(self, args);
    const paths = files.of(args);
    const text = await unlessAborted(textWith(plain, paths), binding.call()?.signal);
    // The method's own error about a file that cannot be read says more.
    if (text === undefined) return next(self, args);
    const value = cache.recall(text, owner);
    if (value !== absent) return value;
    const plan = planOf(self, args, plain);
    return cache.load(
      text,
      {
        ...plan,
        // A file that changed while the method ran may have been read before or after.
        judge: async (outcome) => {
          const verdict = await plan.judge(outcome);
          return (await textWith(plain, paths)) === text ? verdict : undefined;
        },
      },
      callerIn(binding),
    );
  };
}

function callerIn(binding: Binding<CachedOptions>): Caller {
  const call = binding.call();
  const inside = workAround(call ?? currentOperation());
  return {
    ...(call && { signal: call.signal }),
    ...(call?.deadline !== undefined && { deadline: call.deadline }),
    ...(inside && { inside }),
  };
}

interface Run {
  readonly scope: CallScope | undefined;
  readonly conditional: Conditional | undefined;
  readonly work: object;
  readonly previous: Previous | undefined;
  readonly next: Invoke;
  readonly binding: Binding<CachedOptions>;
  readonly self: unknown;
  readonly args: unknown[];
}

/** In a call of its own: no caller's signal, deadline or correlation id reaches what several wait for. */
function runDetached({ scope, conditional, work, previous, next, binding, self, args }: Run): Work<unknown> {
  const run = async (): Promise<unknown> => {
    if (!scope || !conditional) return next(self, args);
    offer(scope.call.invocation, { conditional, work });
    try {
      return conditional.outcomeOf(await scope.run(next, self, args));
    } finally {
      const { degraded, attempts } = scope.collected ?? {};
      // How it came about is told to the caller who began it, unless nobody waits.
      if (!previous || previous.stale) binding.note({ degraded, attempts });
    }
  };
  return { promise: run(), abandon: (reason) => scope?.abort(reason) };
}

/** The options of a chain, which the schema has read. */
function effective(options: CachedOptions): EffectiveCachedOptions {
  return options as EffectiveCachedOptions;
}
