import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { runnerImport } from "vite";

const entry = "virtual:all-plugins";

/**
 * The JSON Schema of a configuration with all plugins of this repository, read from the sources.
 *
 * @param {string} root the repository
 * @returns {Promise<string>} JSON
 */
export async function configSchemaText(root) {
  const source = (path) => join(root, "packages", path);
  const names = readdirSync(join(root, "packages"))
    .filter((name) => existsSync(source(`${name}/src/plugin.ts`)) && name !== "core")
    .sort();
  const plugins = [
    `import { resiliencePlugin } from ${JSON.stringify(source("core/src/resilience/plugin.ts"))};`,
    ...names.map(
      (name, index) => `import plugin${index} from ${JSON.stringify(source(`${name}/src/plugin.ts`))};`,
    ),
    `export { configSchema } from ${JSON.stringify(source("core/src/config/schema/json-schema.ts"))};`,
    `export const plugins = [resiliencePlugin, ${names.map((_, index) => `plugin${index}`).join(", ")}];`,
  ].join("\n");
  const { module } = await runnerImport(entry, {
    root,
    configFile: false,
    logLevel: "error",
    resolve: {
      alias: [
        { find: /^@mlmcp\/core$/, replacement: source("core/src/index.ts") },
        { find: /^@mlmcp\/([\w-]+)$/, replacement: source("$1/src/index.ts") },
      ],
    },
    plugins: [
      {
        name: "all-plugins",
        resolveId: (id) => (id === entry ? `\0${entry}` : undefined),
        load: (id) => (id === `\0${entry}` ? plugins : undefined),
      },
    ],
  });
  return `${JSON.stringify(module.configSchema(knownTo(module.plugins)), null, 2)}\n`;
}

function knownTo(plugins) {
  const withSection = plugins.filter(({ section }) => section !== undefined);
  return {
    sections: withSection.map(({ name, section, schema }) => ({ name: section, schema, plugin: name })),
    advice: plugins.flatMap(({ decorators = [] }) => decorators.map(({ advice }) => advice)),
  };
}
