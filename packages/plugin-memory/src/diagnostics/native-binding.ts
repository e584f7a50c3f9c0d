import type { Diagnostic } from "@mlmcp/core";

/** DuckDB's native code loads: without it no file can be read. */
export function nativeBinding(load: () => Promise<unknown> = () => import("@duckdb/node-api")): Diagnostic {
  return {
    rule: "native-binding",
    async diagnose() {
      try {
        await load();
        return [];
      } catch (error) {
        const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
        return [
          {
            level: "error",
            message: `The native part of DuckDB does not load, so that MemoryOptimizer can read no file: ${reason}`,
            mend:
              "Install again on this machine, with optional dependencies: the binary is one of @duckdb/node-bindings-*, " +
              "and node_modules copied from another platform have another one.",
          },
        ];
      }
    },
  };
}
