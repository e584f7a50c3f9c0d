import { isMainThread } from "node:worker_threads";
import { nearest } from "../config/nearest.js";
import { isPlainObject } from "../config/plain.js";
import { configurationError, formatPath, type ConfigProblem } from "../config/problems.js";
import { describeSource, type ConfigReader } from "../config/reader.js";
import { warnOnce } from "../config/warnings.js";
import type { Operation } from "./operation.js";
import { pendingFor } from "./pending.js";
import type { Operations } from "./registry.js";

/**
 * What `operations` in the configuration says by exact id and that changes nothing: an id that no
 * operation has, or advice that its operation does not carry. Empty while no operation is known,
 * as before the classes are imported.
 */
export function settingsWithoutEffect(
  config: ConfigReader,
  operations: readonly Operation[],
): ConfigProblem[] {
  if (config.operationIds.length === 0) return [];
  const known = new Map(
    operations.filter(({ pending }) => !pending).map((operation) => [operation.id, operation]),
  );
  // Of a standard decorator's method the class, and with it the id, is known only later.
  const pending = operations.filter((operation) => operation.pending);
  if (known.size === 0) return [];
  // What the highest layer says of an id is where to look for it.
  const ids = new Map(config.operationIds.map((named) => [named.id, named]));
  return [...ids.values()].flatMap(({ id, source }): ConfigProblem[] => {
    const path = formatPath(["operations", id]);
    const operation = known.get(id);
    if (operation) return adviceWithoutEffect(config, operation, path);
    if (pendingFor(id, pending).length > 0) return [];
    const suggestion = nearest(id, known.keys());
    const message =
      "no operation known at the start has this id. For one that is made later, by `kernel.wrap` or a late import, write a glob";
    return [{ path, message, source, ...(suggestion === undefined ? {} : { suggestion }) }];
  });
}

function adviceWithoutEffect(config: ConfigReader, operation: Operation, path: string): ConfigProblem[] {
  const settings = config.get<unknown>(path);
  const carried = operation.advice.map(({ advice }) => advice.name);
  return Object.keys(isPlainObject(settings) ? settings : {}).flatMap((name): ConfigProblem[] => {
    if (name === "order" || carried.includes(name)) return [];
    const { source } = config.explain(`${path}.${name}`);
    const message =
      `tunes nothing: ${operation.id} has no @${name}` +
      ` (it has ${carried.map((one) => `@${one}`).join(", ") || "none"}), and the configuration never adds advice`;
    return [{ path: `${path}.${name}`, message, source }];
  });
}

/**
 * Reports settings without effect: each is a process warning, once, or under `system.strict` an
 * error. Only in the main thread: a worker loads a part of the application.
 *
 * @throws ConfigurationError (MLMCP_OPERATION_UNKNOWN) under `system.strict`
 */
export function reportSettingsWithoutEffect(config: ConfigReader, operations: Pick<Operations, "all">): void {
  if (!isMainThread) return;
  const problems = settingsWithoutEffect(config, operations.all());
  if (problems.length === 0) return;
  if (config.get("system.strict") === true)
    throw configurationError(problems, { code: "MLMCP_OPERATION_UNKNOWN" });
  // Functions that the application wraps right after its kernel has started are there by then.
  setImmediate(() => {
    for (const { path, message, source, suggestion } of settingsWithoutEffect(config, operations.all())) {
      const where = source ? ` (${describeSource(source)})` : "";
      const hint = suggestion === undefined ? "." : `. Did you mean "${suggestion}"?`;
      warnOnce("MLMCP_OPERATION_UNKNOWN", `${path}${where}: ${message}${hint}`);
    }
  });
}
