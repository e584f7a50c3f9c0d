import type { Kernel } from "../kernel/kernel.js";

/** An option that an advice works with on one operation. */
interface EffectiveOption {
  readonly value: unknown;
  /** Where it comes from, in short. */
  readonly source: string;
}

/**
 * What stands in an operation's chain: the options of each advice by name. `undefined` where its
 * chain cannot be made, which a rule of its own reports.
 */
export function effectiveOptions(
  kernel: Kernel,
  id: string,
): ReadonlyMap<string, ReadonlyMap<string, EffectiveOption>> | undefined {
  try {
    const { chain } = kernel.operations.explain(id);
    return new Map(
      chain.map(({ advice, options }) => [
        advice,
        new Map(options.map(({ name, value, source }) => [name, { value, source }])),
      ]),
    );
  } catch {
    return undefined;
  }
}
