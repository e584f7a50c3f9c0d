import { spawnSync } from "node:child_process";
import { chmodSync, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";

const root = dirname(createRequire(import.meta.url).resolve("@mlmcp/core/package.json"));
const built = existsSync(join(root, "dist/cli/bin.js"));
const has = (shell: string) => spawnSync(shell, ["-c", "exit 0"]).status === 0;

/** Runs a script in a shell that finds `mlmcp`, in a directory with a configuration and one operation. */
function inShell(shell: string, script: string, name = "load"): string[] {
  const cwd = project({
    ".git/": "",
    ".mlmcprc.yaml": "system: { debug: true }\napp: ./app.mjs\n",
    "app.mjs": `import { retry } from ${JSON.stringify(join(root, "dist/index.js"))};
const name = ${JSON.stringify(name)};
export class Reports { [name]() {} }
const method = Object.getOwnPropertyDescriptor(Reports.prototype, name);
Object.defineProperty(Reports.prototype, name, retry(2)(Reports.prototype, name, method) ?? method);
`,
    "bin/mlmcp": `#!/bin/sh\nexec "${process.execPath}" "${join(root, "bin/mlmcp.js")}" "$@"\n`,
    "notes.txt": "",
  });
  chmodSync(join(cwd, "bin/mlmcp"), 0o755);
  const env = { ...process.env, PATH: `${join(cwd, "bin")}:${process.env["PATH"]}` };
  const { stdout, stderr, status } = spawnSync(shell, ["-c", script], { cwd, encoding: "utf8", env });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout.split("\n").filter((line) => line !== "");
}

describe.skipIf(!built || !has("bash"))("completion in bash", () => {
  /** What bash would offer for a line, the cursor at its end. */
  const complete = (line: string, name?: string) =>
    inShell(
      "bash",
      `eval "$(mlmcp completion bash)"
      COMP_LINE='${line.replaceAll("'", "'\\''")}' COMP_POINT=\${#COMP_LINE} COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
      _mlmcp mlmcp
      printf '%s\\n' "\${COMPREPLY[@]}"`,
      name,
    );

  it("is registered, with files where there is nothing else", () => {
    expect(inShell("bash", 'eval "$(mlmcp completion bash)"; complete -p mlmcp')).toEqual([
      "complete -o default -F _mlmcp mlmcp",
    ]);
  });

  it.each([
    ["mlmcp conf", ["config"]],
    ["mlmcp config ex", ["explain"]],
    ["mlmcp config get system.deb", ["system.debug"]],
    ["mlmcp plugins info ", ["resilience"]],
    ["mlmcp --js", ["--json"]],
    ["mlmcp --config ", []],
    ["mlmcp doctor --rule versions dupl", ["duplicate-core"]],
  ])("completes %j to %j", (line, expected) => {
    expect(complete(line)).toEqual(expected);
  });

  // What bash puts in place of the word, or of what stands in it behind an open quote.
  it.each([
    ["mlmcp config set operations.", String.raw`operations.\"Reports.load\"`],
    ["mlmcp config set operations.Rep", String.raw`operations.\"Reports.load\"`],
    [String.raw`mlmcp config set operations.\"Rep`, String.raw`operations.\"Reports.load\"`],
    [`mlmcp config set 'operations."Rep`, `operations."Reports.load"`],
    [String.raw`mlmcp config set "operations.\"Rep`, String.raw`operations.\"Reports.load\""`],
    [`mlmcp config set operations."Rep`, String.raw`\"Reports.load\""`],
    [
      String.raw`mlmcp config set operations.\"Reports.load\".retry.maxR`,
      String.raw`operations.\"Reports.load\".retry.maxRetries`,
    ],
  ])("quotes the id of an operation: %s", (line, expected) => {
    expect(complete(line)).toEqual([expected]);
  });
});

describe.skipIf(!built || !has("bash"))("an operation whose name a shell would run", () => {
  const name = "`touch a`$(touch b)'\"\\; touch c";

  it.each(["", "'", '"'])("is only a word once bash has completed it behind %j", (quote) => {
    const script = `eval "$(mlmcp completion bash)"
      COMP_LINE=${quote === "'" ? '"' : "'"}mlmcp operations explain ${quote}Rep${quote === "'" ? '"' : "'"}
      COMP_POINT=\${#COMP_LINE} COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
      _mlmcp mlmcp
      closing=${quote === "'" ? `"'"` : "''"}
      eval "words=(${quote === "" ? "" : quote.replace('"', '\\"')}$COMPREPLY$closing)"
      printf '%s\\n' "\${words[@]}"; ls`;
    expect(inShell("bash", script, name)).toEqual([`Reports.${name}`, "app.mjs", "bin", "notes.txt"]);
  });
});

describe.skipIf(!built || !has("fish"))("completion in fish", () => {
  it("completes commands and settings", () => {
    const script =
      "mlmcp completion fish | source; complete -C 'mlmcp conf'; complete -C 'mlmcp config get system.deb'; " +
      String.raw`complete -C 'mlmcp config set operations.\"Rep'; complete -C "mlmcp config set 'operations.\"Rep"`;
    const operation = 'operations."Reports.load"';
    expect(inShell("fish", script).map((line) => line.split("\t")[0])).toEqual([
      "config",
      "system.debug",
      operation,
      operation,
    ]);
  });
});

describe.skipIf(!built || !has("zsh"))("completion in zsh", () => {
  it("offers commands and settings with their descriptions", () => {
    // Stands in for zsh's own completion system, which needs a terminal.
    const script = `
      compdef() { :; }; _describe() { print -rl -- "\${(@P)4}"; }; _files() { print files; }
      eval "$(mlmcp completion zsh)"
      words=(mlmcp conf) CURRENT=2 PREFIX=conf _mlmcp
      words=(mlmcp config get system.deb) CURRENT=4 PREFIX=system.deb _mlmcp
      words=(mlmcp config set x) CURRENT=4 PREFIX='operations.\\"Rep' _mlmcp
      words=(mlmcp --config '') CURRENT=3 PREFIX= _mlmcp`;
    expect(inShell("zsh", script)).toEqual([
      "config:The configuration",
      "system.debug:Says on standard error what the kernel does, a line for each step.",
      'operations."Reports.load":',
      "files",
    ]);
  });
});
