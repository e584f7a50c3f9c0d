import type { Diagnostic } from "@mlmcp/core";
import { isCached } from "../kernel/kernel-cache.js";

/** `@cached` on a method that returns nothing: its work is skipped for as long as the nothing is kept. */
export const cacheOfNothing: Diagnostic = {
  rule: "cache-of-nothing",
  diagnose: (kernel) =>
    kernel.operations.list().flatMap(({ id, method, kind }) => {
      if (!isCached(kernel, id) || mayReturnValue(String(method), kind)) return [];
      return [
        {
          level: "warning",
          message: `${id} is cached, but it never returns a value: calls within its ttl do nothing at all.`,
          mend: "Return what is to be kept, or remove @cached from a method that is called for its effect.",
        } as const,
      ];
    }),
};

/**
 * Whether a function's source may return something: a `return` with a value anywhere in it, or an
 * arrow function's expression. In doubt it may: the word also counts in a text, a comment or a
 * function inside, so that nothing is reported that is not so.
 */
function mayReturnValue(source: string, kind: string): boolean {
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source)) return true;
  if (/\breturn\b(?![ \t]*(?:undefined|void 0)?[ \t]*(?:[;}\r\n]|$))/.test(source)) return true;
  if (kind !== "function" || /^(?:async\s+)?function\b/.test(source)) return false;
  const [, body] = /=>\s*(\S)/.exec(source) ?? [];
  return body !== undefined && body !== "{";
}
