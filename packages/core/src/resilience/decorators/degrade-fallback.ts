import type { After, Binding, Invoke } from "../../plugin.js";
import { callFallback, fitAnswer, requireFallback, type Fallback } from "../fallback/fallback.js";
import { effective, type DegradeOptions } from "../options/degrade.js";
import { staleAnswersFor } from "../fallback/stale-answers.js";
import { errorsMeant } from "./meant-errors.js";

/** The part of `@degrade` that answers where everything inside it has failed. */
export function afterFallback(_next: Invoke, binding: Binding<DegradeOptions>): After {
  const { operation } = binding;
  const { fallback, when } = effective(binding.options);
  const asked = errorsMeant(when, binding);
  const fellBack = binding.event("degrade:fallback");
  const answer = fallback === "stale" ? staleAnswer(binding) : givenAnswer(fallback!, binding);
  return {
    begin: (self) => requireFallback(fallback, self, operation),
    threw(error, _begun, self, args) {
      if (binding.call()?.aborted === true || !asked(error)) throw error;
      return answer(error, self, args, () => {
        if (fellBack.active) fellBack.publish({ error });
      });
    },
  };
}

type Answer = (error: unknown, self: unknown, args: unknown[], begin: () => void) => Promise<unknown>;

function givenAnswer(fallback: Fallback, binding: Binding<DegradeOptions>): Answer {
  return async (error, self, args, begin) => {
    begin();
    const answer = await callFallback(fallback, binding.operation, error, self, args);
    binding.note({ degraded: true });
    return answer;
  };
}

function staleAnswer(binding: Binding<DegradeOptions>): Answer {
  const { operation } = binding;
  const answers = staleAnswersFor(operation, (token) => binding.resolve(token));
  const failed = binding.event("advice:failed");
  return async (error, self, args, begin) => {
    let found: { readonly value: unknown } | undefined;
    try {
      found = await answers.find({ operation, self, args, error });
    } catch (failure) {
      failed.publish({ advice: "degrade", error: failure });
    }
    if (!found) throw error;
    begin();
    binding.note({ degraded: true, stale: true });
    return fitAnswer(found.value, operation, error);
  };
}
