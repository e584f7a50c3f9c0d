import type { Diagnostic } from "@mlmcp/core";
import { durationSetting } from "../advice/units.js";
import { CachedOperations, type CachedOperation } from "../operations/cached-operations.js";
import { spanOf } from "../engine/held.js";
import { timingOf } from "../options/timing.js";

/** Times of `@cached` that are right each by itself, and useless together. */
export const cacheTimes: Diagnostic = {
  rule: "cache-times",
  diagnose: (kernel) =>
    kernel
      .resolve(CachedOperations)
      .list()
      .flatMap((one) =>
        Array.from(problemsOf(one), (problem) => ({ level: "warning", ...problem }) as const),
      ),
};

function* problemsOf({
  info: { id },
  options,
  keeping,
}: CachedOperation): Iterable<{ readonly message: string; readonly mend: string }> {
  const { ttl, grace, refreshAfter, ttlJitter, softTimeout } = timingOf(keeping.ttl, options);
  // A function says for each result how long it is fresh.
  if (typeof options.ttl === "function") return;
  if (ttl === 0) {
    const useless = (
      ["grace", "refreshAfter", "ttlJitter", "softTimeout", "cacheErrors", "warm"] as const
    ).filter((name) => options[name] !== undefined && options[name] !== false);
    if (useless.length > 0) {
      yield {
        message: `${id} has a ttl of 0, which keeps nothing: ${useless.join(", ")} cannot do anything.`,
        mend: "Give it a ttl, such as 1s, or remove the other options.",
      };
    }
    return;
  }
  const span = (name: string, ms: number): string => `${name} (${durationSetting(ms)})`;
  if (refreshAfter && spanOf(refreshAfter, ttl) >= ttl) {
    yield {
      message: `${id} is to be refreshed at an age that no fresh result has: ${span("refreshAfter", spanOf(refreshAfter, ttl))} is no less than ${span("the ttl", ttl)}.`,
      mend: 'Refresh earlier, such as `refreshAfter: "80%"`.',
    };
  }
  if (ttlJitter && spanOf(ttlJitter, ttl) >= ttl) {
    yield {
      message: `${id} shortens its ttl by up to all of it: ${span("ttlJitter", spanOf(ttlJitter, ttl))} is no less than ${span("the ttl", ttl)}, and some results are never fresh.`,
      mend: 'Take a smaller one, such as `ttlJitter: "10%"`.',
    };
  }
  if (grace !== undefined && softTimeout !== undefined && grace <= softTimeout) {
    yield {
      message: `${id} waits longer than any stale result lives: ${span("softTimeout", softTimeout)} is no less than ${span("grace", grace)}.`,
      mend: "Keep stale results for much longer than they are waited for.",
    };
  }
}
