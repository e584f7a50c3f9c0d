import { CircuitOpenError, ConfigurationError, type PluginKernel } from "@mlmcp/core";
import { KernelCache, type StoreAbsence } from "../kernel/kernel-cache.js";
import type { Store, StoreFile } from "../stores/store.js";

/**
 * The store of a kernel, which answers. A command has nothing else to work on: its own memory is empty.
 *
 * @throws ConfigurationError (`MLMCP_CACHE_NO_STORE`) that says why there is none
 */
export async function storeOf(kernel: PluginKernel): Promise<Store> {
  const store = openStoreOf(kernel);
  try {
    await store.ping();
  } catch (error) {
    throw noStore("silent", explainSilence(store, error), error);
  }
  return store;
}

function openStoreOf(kernel: PluginKernel): Store {
  const own = kernel.resolve(KernelCache);
  const { absence } = own;
  if (!absence) return own.cache.store!;
  throw noStore(absence.cause, explain(absence));
}

interface Explanation {
  readonly why: string;
  readonly mends: readonly string[];
}

function noStore(
  kind: StoreAbsence["cause"] | "silent",
  { why, mends }: Explanation,
  cause?: unknown,
): ConfigurationError {
  return new ConfigurationError(`There is no store: ${why}.`, {
    code: "MLMCP_CACHE_NO_STORE",
    cause,
    context: { cause: kind },
    suggestions: mends,
  });
}

function explainSilence({ name }: Store, error: unknown): Explanation {
  // Why it was cut off says more than since when.
  const reason = error instanceof CircuitOpenError ? error.cause : error;
  const said = reason instanceof Error ? reason.message.replace(/\.$/, "") : String(reason);
  return {
    why: `${name} does not answer (${said})`,
    mends: [
      "See that it runs, and that this user may connect to it.",
      "`mlmcp config explain cache.store` says where it was set.",
    ],
  };
}

function explain(absence: StoreAbsence): Explanation {
  switch (absence.cause) {
    case "memory":
      return {
        why: "cache.store is memory:, and what a process has in memory, only that process can tell",
        mends: [
          "Set a store that processes share, such as `sqlite://.mlmcp/cache.db`.",
          "`mlmcp config explain cache.store` says where it was set.",
        ],
      };
    case "disabled":
      return {
        why: "caching is turned off (performance.enableCaching)",
        mends: ["`mlmcp config explain performance.enableCaching` says where."],
      };
    case "failed":
      return {
        why: `${absence.name} could not be opened (${absence.reason})`,
        mends: [absence.mend],
      };
  }
}

/** The file of an embedded store. @throws ConfigurationError (`MLMCP_CACHE_NO_FILE`) where the store is none */
export function fileOf(kernel: PluginKernel): StoreFile {
  const { file, name } = openStoreOf(kernel);
  if (file) return file;
  throw new ConfigurationError(`The store ${name} is no file of this machine. Use the tools of its server.`, {
    code: "MLMCP_CACHE_NO_FILE",
    context: { store: name },
  });
}

/** The entries of a store, listable. @throws ConfigurationError (`MLMCP_CACHE_NO_LIST`) where it cannot */
export function checkListable(store: Store): void {
  if (store.entries) return;
  throw new ConfigurationError(
    `The store ${store.name} cannot list its entries. Take one that can: sqlite://, redis:// or postgres://.`,
    { code: "MLMCP_CACHE_NO_LIST", context: { store: store.name } },
  );
}
