import { expect, it } from "vitest";
import { openStore } from "../../src/stores/open-store.js";

it.skipIf(process.platform !== "linux")(
  "a store whose place takes no folders is not opened, and says so at once",
  async () => {
    const store = (await openStore("sqlite://mlmcp/a/cache.db", "/proc", { onError: () => undefined }))!;
    expect(String(store.unopened!.reason)).toBe(
      "Error: the folder /proc/mlmcp cannot be made, since /proc takes no folders",
    );
    await store.close();
  },
);
