import { spawnSync } from "node:child_process";
import { chmodSync, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";

const root = dirname(createRequire(import.meta.url).resolve("@mlmcp/core/package.json"));
const built = existsSync(join(root, "dist/cli/bin.js"));
const has = (shell: string) => spawnSync(shell, ["-c", "exit 0"]).status === 0;

/** Runs a script in a shell that finds `mlmcp`, in a directory with a configuration. */
function inShell(shell: string, script: string): string[] {
  const cwd = project({
    ".git/": "",
    ".mlmcprc.yaml": "system: { debug: true }\n",
    "bin/mlmcp": `#!/bin/sh\nexec "${process.execPath}" "${join(root, "bin/mlmcp.js")}" "$@"\n`,
    "notes.txt": "",
  });
  chmodSync(join(cwd, "bin/mlmcp"), 0o755);
  const env = { ...process.env, PATH: `${join(cwd, "bin")}:${process.env["PATH"]}` };
  const { stdout, stderr, status } = spawnSync(shell, ["-c", script], { cwd, encoding: "utf8", env });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout.split("\n").filter((line) => line !== "");
}

describe.skipIf(!built || !has("bash"))("completion in bash", { timeout: 60_000 }, () => {
  /** What bash would offer for a line, the cursor at its end. */
  const complete = (line: string) =>
    inShell(
      "bash",
      `eval "$(mlmcp completion bash)"
      COMP_LINE='${line}' COMP_POINT=\${#COMP_LINE} COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
      _mlmcp mlmcp
      printf '%s\\n' "\${COMPREPLY[@]}"`,
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
  ])("completes %j to %j", (line, expected) => {
    expect(complete(line)).toEqual(expected);
  });
});

describe.skipIf(!built || !has("fish"))("completion in fish", { timeout: 60_000 }, () => {
  it("completes commands and settings", () => {
    const script =
      "mlmcp completion fish | source; complete -C 'mlmcp conf'; complete -C 'mlmcp config get system.deb'";
    expect(inShell("fish", script).map((line) => line.split("\t")[0])).toEqual(["config", "system.debug"]);
  });
});

describe.skipIf(!built || !has("zsh"))("completion in zsh", { timeout: 60_000 }, () => {
  it("offers commands and settings with their descriptions", () => {
    // Stands in for zsh's own completion system, which needs a terminal.
    const script = `
      compdef() { :; }; _describe() { print -rl -- "\${(@P)4}"; }; _files() { print files; }
      eval "$(mlmcp completion zsh)"
      words=(mlmcp conf) CURRENT=2 PREFIX=conf _mlmcp
      words=(mlmcp config get system.deb) CURRENT=4 PREFIX=system.deb _mlmcp
      words=(mlmcp --config '') CURRENT=3 PREFIX= _mlmcp`;
    expect(inShell("zsh", script)).toEqual(["config:The configuration", "system.debug:boolean", "files"]);
  });
});
