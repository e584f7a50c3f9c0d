import { severalProcesses } from "../kernel/several-processes.js";
import type { ProductionCheck } from "../plugin.js";

/** Faults on purpose in production want to be asked for twice. */
export const chaosOff: ProductionCheck = {
  name: "chaos",
  check({ config }) {
    const chaos = config.get<boolean | "force">("system.chaos");
    if (chaos === false) return undefined;
    if (chaos === "force") {
      return { level: "warn", message: '`system.chaos` is "force": methods under @chaos fail on purpose.' };
    }
    return {
      level: "refuse",
      message:
        '`system.chaos` is on, so methods under @chaos fail on purpose. Turn it off, or set it to "force" if production is meant.',
    };
  },
};

/** A limit that each process counts for itself lets through as many times more as there are processes. */
export const sharedLimits: ProductionCheck = {
  name: "shared-limits",
  check({ config, operations }) {
    const several = severalProcesses(config);
    if (several === undefined) return undefined;
    const alone = operations
      .list()
      .filter(({ id }) =>
        operations
          .explain(id)
          .chain.some(
            ({ advice, options }) => advice === "rateLimit" && !options.some(({ name }) => name === "store"),
          ),
      );
    if (alone.length === 0) return undefined;
    return {
      level: "warn",
      message:
        `@rateLimit of ${alone.map(({ id }) => id).join(", ")} counts in each process by itself, and ${several}: together they let more through than the limit says. ` +
        'Give them a store that the processes share: `store: "redis://…"`.',
    };
  },
};
