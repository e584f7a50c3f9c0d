import type { CommandContext } from "./context.js";
import { CommandFailure } from "./failure.js";

/** See {@link CommandContext.confirm}. */
export async function confirm(context: CommandContext, loss: string): Promise<void> {
  const { options } = context;
  const what = `It would mean: ${loss}`;
  if (options.force !== true) {
    const environment = await environmentOf(context);
    if (environment === "production")
      throw new CommandFailure(`nothing was done: this is production. ${what}`, "Run it with --force.");
    if (environment === undefined) {
      throw new CommandFailure(
        `nothing was done: the configuration cannot be read, so this may be production. ${what}`,
        "Mend the configuration (`mlmcp config validate` says where), or run it with --force.",
      );
    }
  }
  if (options.yes === true) return;
  if (!context.interactive)
    throw new CommandFailure(
      `nothing was done: nobody is there to be asked. ${what}`,
      "Run it with --yes to agree.",
    );
  const answer = await context.ask(`${loss} Go on? [y/N]`, "n");
  if (!/^y(es)?$/i.test(answer)) throw new CommandFailure("nothing was done: you did not agree");
}

/** Nothing where the configuration is broken. */
async function environmentOf({ place }: CommandContext): Promise<string | undefined> {
  const { readSources } = await import("../index.js");
  try {
    return (await readSources(place)).environment;
  } catch {
    return undefined;
  }
}
