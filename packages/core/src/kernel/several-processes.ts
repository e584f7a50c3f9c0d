import cluster from "node:cluster";
import { describeSource, type ConfigReader } from "../config/reader.js";

/**
 * Why the application is taken to run in several processes at once, or nothing where it is taken
 * to be alone. For production checks of what does not hold across processes, such as a cache in
 * memory.
 *
 * Where `system.processes` is written somewhere it decides. Otherwise a worker of `node:cluster`,
 * an instance number of a process manager above 0 (`NODE_APP_INSTANCE`) and `WEB_CONCURRENCY` above 1 count.
 *
 * ```ts
 * severalProcesses(kernel.config); // "system.processes is 4 (.mlmcprc.yaml:3)"
 * ```
 */
export function severalProcesses(
  config: ConfigReader,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const processes = config.get<number>("system.processes");
  const { source } = config.explain("system.processes");
  if (processes > 1) return `system.processes is ${processes} (${describeSource(source)})`;
  if (source.kind !== "default") return undefined;
  if (cluster.isWorker) return "this process is a worker of a cluster";
  if (Number(env["NODE_APP_INSTANCE"]) > 0) return `NODE_APP_INSTANCE is ${env["NODE_APP_INSTANCE"]}`;
  if (Number(env["WEB_CONCURRENCY"]) > 1) return `WEB_CONCURRENCY is ${env["WEB_CONCURRENCY"]}`;
  return undefined;
}
