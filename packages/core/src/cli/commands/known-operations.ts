import { matchesGlob } from "../../config/glob.js";
import type { Kernel } from "../../kernel/kernel.js";
import { describePending } from "../../operations/pending.js";
import type { CommandContext } from "../context.js";
import { CommandFailure } from "../failure.js";

/**
 * The ids of the operations that the application declares.
 *
 * @param glob only those that match it
 * @param hint what to say where nothing does; default: the nearest id
 * @throws CommandFailure where there is none
 */
export async function knownOperations(
  context: CommandContext,
  glob = "*",
  hint?: string,
): Promise<{ readonly kernel: Kernel; readonly ids: readonly string[] }> {
  const kernel = await context.kernel();
  const all = kernel.operations.list().map(({ id }) => id);
  const pending = kernel.operations.pending();
  if (all.length === 0 && pending.length > 0)
    throw new CommandFailure("no operations are known yet", `There is ${describePending(pending)}`);
  if (all.length === 0) {
    const meant = hint === undefined ? "" : `${hint} `;
    throw new CommandFailure(
      "no operations are known",
      meant +
        ((await context.appNamed())
          ? "The application's module was imported, but no class in it is decorated."
          : "They exist once the application's modules are imported. Name a module that imports its classes, without starting it: `--app ./dist/app.js`, or `app: ./dist/app.js` in the configuration."),
    );
  }
  const ids = all.filter((id) => matchesGlob(glob, id));
  if (ids.length > 0) return { kernel, ids };
  const { nearest } = await import("../../config/nearest.js");
  const meant = nearest(glob, all);
  throw new CommandFailure(
    `no operation matches ${JSON.stringify(glob)}`,
    hint ??
      (meant === undefined ? `Known are: ${all.join(", ")}.` : `Did you mean ${JSON.stringify(meant)}?`),
  );
}
