import type { Kernel } from "../../kernel/kernel.js";
import { redact } from "../../config/redaction.js";
import { isSecretIn } from "../../config/schema-lookup.js";
import { REDACTED } from "../../config/secrets.js";
import type { OperationExplanation } from "../../operations/chain.js";

/** An operation's chain as it may be shown: in place of each secret option stands `[secret]`. */
export function shownOperation(kernel: Kernel, id: string): OperationExplanation {
  const explanation = kernel.operations.explain(id);
  const { sources } = kernel.config.operation(id);
  const schemas = new Map(kernel.inspection.known.advice.map(({ name, schema }) => [name, schema]));
  const shown = (advice: string, option: string, value: unknown): unknown => {
    if (sources[`${advice}.${option}`]?.secret === true) return REDACTED;
    const schema = schemas.get(advice) ?? {};
    return redact(value, [option], (path) => isSecretIn(schema, path));
  };
  return {
    ...explanation,
    chain: explanation.chain.map((step) => ({
      ...step,
      options: step.options.map((option) => ({
        ...option,
        value: shown(step.advice, option.name, option.value),
      })),
    })),
  };
}
