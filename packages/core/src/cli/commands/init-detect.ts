import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * The module that imports the application's classes, as far as its name tells. Only one that is
 * there: commands that need it would fail until it is built.
 */
export function guessApp(directory: string): string | undefined {
  const names = [
    "dist/app.js",
    "build/app.js",
    "lib/app.js",
    "out/app.js",
    "src/app.js",
    "src/app.mjs",
    "app.js",
    "app.mjs",
  ];
  const found = names.find((name) => existsSync(join(directory, name)));
  return found === undefined ? undefined : `./${found}`;
}
