import type { CoreRule, Inspected } from "./rule.js";

/** What the plugins depend on answers: each health check, once. */
export const storeReachable: CoreRule<Inspected> = {
  rule: "store-reachable",
  async diagnose({ kernel }) {
    const { checks } = await kernel.health();
    return Object.entries(checks).flatMap(([name, { status, details = {} }]) => {
      if (status === "up") return [];
      const facts = Object.keys(details).length > 0 ? ` ${JSON.stringify(details)}` : "";
      return [
        {
          level: status === "down" ? "error" : "warning",
          message: `The health check ${name} is ${status}.${facts}`,
          mend: "See that what it names is there, runs, and lets this user in; then ask again.",
        } as const,
      ];
    });
  },
};
