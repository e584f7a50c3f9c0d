import { stringify } from "yaml";

/** What a new configuration file says. */
export interface InitialConfig {
  readonly system: { readonly environment: string };
  readonly plugins: readonly string[];
  readonly app?: string;
}

/** What differs between the forms of a configuration file. */
interface Format {
  readonly file: string;
  /** Of the editors' schema: types take its place in a program. */
  readonly schema: string | undefined;
  text(config: InitialConfig): string;
}

const schema = ".mlmcp/schema.json";
const hints = [
  "`mlmcp config show` prints what is in effect, `mlmcp config explain <path>` what one setting means,",
  "`mlmcp operations export` what can be written below `operations`.",
];

/** The forms that `mlmcp init` writes, each with the name that the file is found by. */
export const formats = {
  yaml: {
    file: ".mlmcprc.yaml",
    schema,
    text: (config) =>
      `# yaml-language-server: $schema=${schema}\n${hints.map((hint) => `# ${hint}\n`).join("")}\n${stringify(config)}`,
  },
  json: {
    file: ".mlmcprc.json",
    schema,
    text: (config) => `${JSON.stringify({ $schema: `./${schema}`, ...config }, null, 2)}\n`,
  },
  ts: {
    file: "mlmcp.config.ts",
    schema: undefined,
    text: (config) => {
      const imports = config.plugins.map((name) => `import type {} from ${JSON.stringify(name)};\n`).join("");
      const why = imports === "" ? "" : "// With the plugins' types an editor completes their sections.\n";
      return (
        `${why}${imports}import { defineConfig } from "@mlmcp/core";\n\n${hints.map((hint) => `// ${hint}\n`).join("")}` +
        `export default defineConfig(${JSON.stringify(config, null, 2)});\n`
      );
    },
  },
} as const satisfies Readonly<Record<string, Format>>;

export type FormatName = keyof typeof formats;
