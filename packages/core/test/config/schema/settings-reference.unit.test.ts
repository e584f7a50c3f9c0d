import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readSources, resolveConfig } from "@mlmcp/core";

const root = fileURLToPath(new URL("../../../../../", import.meta.url));
const page = readFileSync(`${root}docs/reference/settings.md`, "utf8");

describe("docs/reference/settings.md", () => {
  it("says what the schema says; `pnpm docs:settings` writes it anew", async () => {
    const generator = `${root}scripts/lib/config-reference.mjs`;
    const { configReference } = (await import(generator)) as { configReference(root: string): string };
    expect(page).toBe(configReference(root));
  });

  it("names variables that are known", async () => {
    const rows = [
      ...page.matchAll(/^\| `((?:system|performance|errorHandling)\.\S+)` \| `(MLMCP_\w+)` \|/gm),
    ];
    expect(rows.length).toBeGreaterThan(5);
    for (const [, path, variable] of rows) {
      const env = { [variable!]: path!.endsWith("auditLog") || path!.endsWith("environment") ? "a" : "12" };
      const sources = await readSources({ cwd: root, configFile: false, env });
      const config = await resolveConfig(sources, { sections: [], advice: [] }).catch(
        (error: Error) => error,
      );
      // Where the value does not fit, the error knows the setting by its variable.
      if (config instanceof Error) expect(config.message).toContain(`${path}`);
      else expect(config.explain(path!).source).toMatchObject({ kind: "env", name: variable });
    }
  });
});
