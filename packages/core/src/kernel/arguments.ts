import { inspect } from "node:util";
import { ConfigurationError, PluginError } from "../errors/index.js";
import { isPlugin } from "../plugin.js";

// What callers without type checks hand to a kernel.

export function refuseNonPlugin(value: unknown, where: string): void {
  if (!isPlugin(value)) throw notAPlugin(value, where);
}

/** `where` was given it: `kernel.use()`, `createKernel({ plugins })`. */
export function notAPlugin(value: unknown, where: string): PluginError {
  const named = typeof value === "string";
  return new PluginError(
    `${where} was given ${show(value)}, which is not a plugin. Give it what \`definePlugin({ ... })\` returns` +
      (named ? `, or name the package in the configuration: \`plugins: [${show(value)}]\`.` : "."),
    { code: "MLMCP_PLUGIN_INVALID" },
  );
}

export function refuseUnlessObject(value: unknown): void {
  if ((typeof value === "object" && value !== null) || typeof value === "function") return;
  throw wrongArgument("kernel.adopt()", value, "an object whose methods are to run in this kernel");
}

export function refuseUnlessFunction(value: unknown): void {
  if (typeof value !== "function") throw wrongArgument("kernel.wrap()", value, "a function");
}

export function refuseUnlessToken(value: unknown): void {
  if (["function", "string", "symbol"].includes(typeof value)) return;
  const hint =
    value === undefined ? " An import is undefined where two modules import each other: load it later." : "";
  throw wrongArgument("kernel.resolve()", value, "a class, or the string or symbol of a service", hint);
}

function wrongArgument(call: string, value: unknown, wanted: string, hint = ""): ConfigurationError {
  return new ConfigurationError(`${call} was given ${show(value)}; it takes ${wanted}.${hint}`, {
    code: "MLMCP_ARGUMENT",
    context: { received: typeof value },
  });
}

function show(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity }).slice(0, 80);
}
