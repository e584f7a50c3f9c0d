import { describeName } from "../operations/operation.js";
import { effectiveOptions } from "./effective-options.js";
import type { CoreRule, Inspected } from "./rule.js";

/** Verbs of what must not happen twice, as the first word of a name: `addUser`, not `address`. */
const once =
  /^(create|add|insert|append|push|enqueue|send|post(?!Process)|publish|emit|notify|pay|charge|refund|transfer|withdraw|deposit|purchase|submit|increment|decrement|delete|remove)(?![a-z])/;

/**
 * A method that by its name does something once, and is retried. An attempt that fails may have
 * done its work: its answer was lost, and the next attempt does it again.
 */
export const retryWithoutIdempotence: CoreRule<Inspected> = {
  rule: "retry-without-idempotence",
  diagnose: ({ kernel }) =>
    kernel.operations.list().flatMap(({ id, methodName }) => {
      const retry = effectiveOptions(kernel, id)?.get("retry");
      const retries = retry?.get("maxRetries");
      if (!retry || !(Number(retries?.value) > 0) || retry.get("idempotent")?.value === true) return [];
      const name = describeName(methodName);
      if (!once.test(name)) return [];
      return [
        {
          level: "warning",
          message:
            `${id} is tried again up to ${String(retries?.value)} times (${retries?.source}), and "${name}" sounds as if doing it twice did harm: ` +
            "an attempt that fails may have done its work.",
          mend:
            "Give the work a key that the other side knows it by, and say so: @retry({ idempotent: true }). " +
            `Otherwise take the retry away: operations: { "${id}": { retry: false } }.`,
        } as const,
      ];
    }),
};
