import { Argument, type Command } from "commander";
import type { Session } from "../session.js";

/** `mlmcp completion <shell>`, and what its scripts ask at each press of the key. */
export function addCompletionCommands(program: Command, session: Session): void {
  program
    .command("completion")
    .description("print a script that lets a shell complete what is typed")
    .addArgument(new Argument("<shell>", "which").choices(["bash", "zsh", "fish"]))
    .addHelpText(
      "after",
      `
bash: add to ~/.bashrc                    eval "$(mlmcp completion bash)"
zsh:  add to ~/.zshrc, after compinit     eval "$(mlmcp completion zsh)"
fish: mlmcp completion fish > ~/.config/fish/completions/mlmcp.fish`,
    )
    .action(async (shell: "bash" | "zsh" | "fish") => {
      const { scripts } = await import("../completion-scripts.js");
      session.print(
        session.options.json === true ? JSON.stringify({ shell, script: scripts[shell] }) : scripts[shell],
      );
    });
  program
    .command("__complete", { hidden: true })
    .description("print what may stand in place of the last word, with a description each")
    .argument("[words...]", "after --: what is typed after mlmcp, the last one as far as it is typed")
    .action(async (words: readonly string[]) => {
      const { candidates } = await import("../candidates.js");
      const found = await candidates(program, session, words);
      session.print(found.map(({ value, description }) => `${value}\t${description}\n`).join(""));
    });
}
