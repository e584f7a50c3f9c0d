import { isDeepStrictEqual } from "node:util";
import { isPlainObject, valueAt } from "./plain.js";
import { formatPath, parsePath } from "./problems.js";
import type { ConfigReader } from "./reader.js";

/** A configuration that has taken effect, and the one before. */
export interface ConfigChange {
  readonly config: ConfigReader;
  readonly previous: ConfigReader;
}

interface Listener {
  readonly path: string;
  readonly tell: (value: unknown, previous: unknown) => unknown;
}

/** Who wants to hear of changes, each of those at one path. */
export class ConfigListeners {
  readonly #listeners = new Set<Listener>();

  add(path: string, tell: Listener["tell"]): () => void {
    const listener = { path, tell };
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells those at whose path the value differs. What one of them throws is a warning. */
  notify({ config, previous }: ConfigChange): void {
    for (const { path, tell } of [...this.#listeners]) {
      const [before, after] = [previous.get<unknown>(path), config.get<unknown>(path)];
      if (isDeepStrictEqual(before, after)) continue;
      const failed = (error: unknown): void =>
        process.emitWarning(`A listener of changes at "${path}" failed: ${String(error)}`, {
          code: "MLMCP_LISTENER_FAILED",
        });
      try {
        // An async listener may fail later.
        void Promise.resolve(tell(after, before)).catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}

/**
 * What differs between two configurations: the deepest paths at which something was set, unset or
 * replaced. Lists count as one value. Secrets are told apart, and shown redacted.
 */
export function changedPaths({
  config,
  previous,
}: ConfigChange): Array<{ path: string; from?: unknown; to?: unknown }> {
  const found: Array<{ path: string; from?: unknown; to?: unknown }> = [];
  const compare = (path: string[], before: unknown, after: unknown): void => {
    if (isDeepStrictEqual(before, after)) return;
    if (isPlainObject(before) && isPlainObject(after)) {
      for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
        compare([...path, key], valueAt(before, [key]), valueAt(after, [key]));
      return;
    }
    const name = formatPath(path);
    found.push({
      path: name,
      ...(before === undefined ? {} : { from: previous.redacted(name) }),
      ...(after === undefined ? {} : { to: config.redacted(name) }),
    });
  };
  compare(parsePath(""), previous.get(""), config.get(""));
  return found;
}
