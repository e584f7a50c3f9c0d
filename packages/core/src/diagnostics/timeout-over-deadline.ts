import { effectiveOptions } from "./effective-options.js";
import type { CoreRule, Inspected } from "./rule.js";

/** A limit to one attempt that the limit to the whole call never lets take effect. */
export const timeoutOverDeadline: CoreRule<Inspected> = {
  rule: "timeout-over-deadline",
  diagnose: ({ kernel }) =>
    kernel.operations.list().flatMap(({ id }) => {
      const advice = effectiveOptions(kernel, id);
      if (advice === undefined) return [];
      const limits = Array.from(advice, ([name, options]) =>
        Array.from(options, ([option, { value, source }]) => ({ name, option, value, source })),
      )
        .flat()
        .filter((limit): limit is typeof limit & { value: number } => typeof limit.value === "number");
      const [deadline] = limits
        .filter(({ option }) => option === "deadline")
        .sort((a, b) => a.value - b.value);
      if (deadline === undefined) return [];
      return limits
        .filter(({ option, value }) => ["timeout", "attempt"].includes(option) && value >= deadline.value)
        .map(
          ({ name, option, value, source }) =>
            ({
              level: "error",
              message:
                `${id}: the ${option} of @${name}, ${value} ms (${source}), is no shorter than the deadline of ` +
                `@${deadline.name}, ${deadline.value} ms (${deadline.source}), which ends the call first.`,
              mend: "Make the limit of one attempt shorter than that of the whole call, retries and their delays included.",
            }) as const,
        );
    }),
};
