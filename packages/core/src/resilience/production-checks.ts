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
