import type { Command } from "@mlmcp/core";
import { CacheManager } from "../cache-manager.js";
import { storeOf } from "./store-access.js";

export const clearExpired: Command = {
  name: "cache clear-expired",
  description: "Deletes what has expired, and gives the room of a file back.",
  async run({ kernel }) {
    const store = await storeOf(kernel);
    const gone = await kernel.resolve(CacheManager).clearExpired();
    const freed = await store.file?.shrink();
    return { store: store.name, deleted: gone, ...(freed !== undefined && { freedBytes: freed }) };
  },
};
