import { createMethodDecorator } from "../../operations/decorator.js";
import type { Binding, Invoke, Observer } from "../../plugin.js";
import { describeThrown } from "../classification/thrown.js";
import { ErrorHandler, type ErrorContext } from "../handling/error-handler.js";
import { contextOf } from "../handling/with-error-handling.js";
import {
  contextSchema,
  handledSchema,
  type EffectiveHandledOptions,
  type HandledOptions,
} from "../options/handled.js";

/** Outside all that may still mend the call, inside what times it. */
const place = { before: "validate" } as const;

/**
 * Hands what a call fails with in the end, after validation, retries and fallbacks, to the
 * `ErrorHandler`: it is classified, counted, written to the error log with what to do about it,
 * and published as the event `error:handled`. The error reaches the caller as the same object.
 *
 * ```ts
 * class Importer {
 *   @handled({ context: (file: string) => ({ file }) })
 *   async import(file: string) { return parse(await readFile(file)); }
 * }
 * ```
 *
 * `@handled("nightly import")` is short for `@handled({ context: "nightly import" })`. With
 * `rethrow: false` the caller gets `undefined` in place of the error, which the method's type then
 * ought to admit.
 */
export const handled = createMethodDecorator<HandledOptions, string>({
  name: "handled",
  schema: handledSchema,
  shorthand: { schema: contextSchema, read: (context) => ({ context }) },
  serves: { sync: true, streams: true },
  check: ({ rethrow }, { returns }) =>
    rethrow === false && (returns === "stream" || returns === "iterator")
      ? "rethrow: false gives `undefined` in place of an error, but the method gives items. Remove it, or add a fallback (@degrade)."
      : undefined,
  parts: [
    // Only observing is cheaper, and sees streams to their end.
    { at: place, when: ({ rethrow }) => rethrow !== false, observe },
    { at: place, when: ({ rethrow }) => rethrow === false, around },
  ],
});

type Handle = (error: unknown, self: unknown, args: readonly unknown[]) => void;

function handlerFor(binding: Binding<HandledOptions>): Handle {
  const handler = binding.resolve(ErrorHandler);
  const { context } = binding.options as EffectiveHandledOptions;
  const { id: operation } = binding.operation;
  const published = binding.event("error:handled");
  return (error, self, args) => {
    const given = contextOf(context, self, args);
    const about = { ...fieldsOf(given), operation };
    const { class: errorClass, retryable, suggestions } = handler.handle(error, about);
    if (published.active)
      published.publish({ class: errorClass, retryable, error, context: given, suggestions });
  };
}

/** Also of a context whose getters throw: the error must not be lost over it. */
function fieldsOf(context: ErrorContext | undefined): object {
  try {
    return { ...(typeof context === "string" ? { context } : context) };
  } catch (failure) {
    return { contextFailed: describeThrown(failure) };
  }
}

interface Started {
  readonly self: unknown;
  readonly args: readonly unknown[];
}

function observe(binding: Binding<HandledOptions>): Observer<Started> {
  const handle = handlerFor(binding);
  return {
    start: (self, args) => ({ self, args }),
    end({ self, args }, ok, outcome) {
      if (!ok) handle(outcome, self, args);
    },
  };
}

function around(next: Invoke, binding: Binding<HandledOptions>): Invoke {
  const handle = handlerFor(binding);
  const isAsync = binding.operation.returns === "promise";
  return (self, args) => {
    let result: unknown;
    try {
      result = next(self, args);
    } catch (error) {
      handle(error, self, args);
      // Invalid arguments, say, are thrown at once also where the method is async.
      return isAsync ? Promise.resolve(undefined) : undefined;
    }
    if (!(result instanceof Promise)) return result;
    return result.then(undefined, (error: unknown) => void handle(error, self, args));
  };
}
