import { ConfigurationError } from "@mlmcp/core";
import { mainRunsAgain, saysMainRunsAgain } from "./faults.js";
import type { FunctionTarget } from "./protocol.js";

export type Module = Readonly<Record<string, unknown>>;
export type Method = (this: unknown, ...args: readonly unknown[]) => unknown;

/** Imports a module that a task needs; errors say whose task and what to do. */
export async function importModule(label: string, module: string): Promise<Module> {
  try {
    return (await import(module)) as Module;
  } catch (cause) {
    if (saysMainRunsAgain(cause)) throw mainRunsAgain(label, module, cause);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigurationError(`${label}: a worker cannot import ${module}: ${reason}`, {
      code: "MLMCP_PARALLEL_MODULE",
      cause,
      context: { operation: label, module },
      suggestions: /\.[cm]?tsx?$/.test(module)
        ? [
            "Workers load what Node loads: compile the module, or run in place with `parallel: { runtime: inline }` (MLMCP_PARALLEL_RUNTIME=inline) while you develop.",
            'In tests set `parallel: { runtime: "inline" }`.',
          ]
        : [
            "See that the module can be imported by itself, or name the right one: @parallel({ module: import.meta.url }).",
          ],
    });
  }
}

/** The function that a reference names. */
export async function importFunction(
  label: string,
  { module, export: name }: FunctionTarget,
): Promise<Method> {
  const exports = await importModule(label, module);
  const found = Object.hasOwn(exports, name) ? exports[name] : undefined;
  if (typeof found === "function") return found as Method;
  throw new ConfigurationError(`${module} exports no function "${name}".`, {
    code: "MLMCP_PARALLEL_MODULE",
    context: { module, export: name },
    suggestions: [`It exports: ${Object.keys(exports).join(", ") || "nothing"}.`],
  });
}
