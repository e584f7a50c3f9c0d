import type { Finding } from "../plugin.js";
import type { CoreRule, Inspected } from "./rule.js";

/** What would keep the configuration from production, or does. */
export const production: CoreRule<Inspected> = {
  rule: "production",
  diagnose({ kernel }) {
    const now = kernel.config.environment === "production";
    return kernel.pluginSet.productionReasons().flatMap(({ check, level, message }): Finding[] => {
      if (level === "accepted") return [];
      if (level === "warn") {
        const mend = "Do as it says; it stops nothing.";
        return [{ level: "warning", message: `In production: ${message} (${check})`, mend }];
      }
      const refusal = now ? "Production refuses to start" : "Production would refuse to start";
      const mend = `Do as it says, or accept it knowingly: system.production.allow: ["${check}"].`;
      return [{ level: now ? "error" : "warning", message: `${refusal}: ${message} (${check})`, mend }];
    });
  },
};
