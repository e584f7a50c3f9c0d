import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

/** An installed package. */
export interface InstalledPackage {
  /** Its real directory: a linked package has one, however many links there are. */
  readonly directory: string;
  readonly manifest: {
    readonly version?: string;
    readonly dependencies?: Readonly<Record<string, string>>;
    readonly peerDependencies?: Readonly<Record<string, string>>;
  };
}

/** The package of a name that a module in a directory would import. Nothing is executed. */
export function findPackage(name: string, from: string): InstalledPackage | undefined {
  // By hand: `require.resolve` finds only what a package's `exports` let through.
  for (let directory = from; ; directory = dirname(directory)) {
    const file = join(directory, "node_modules", name, "package.json");
    if (existsSync(file)) return read(file);
    if (dirname(directory) === directory) return undefined;
  }
}

function read(file: string): InstalledPackage | undefined {
  try {
    const manifest = JSON.parse(readFileSync(file, "utf8")) as InstalledPackage["manifest"];
    return { directory: dirname(realpathSync(file)), manifest };
  } catch {
    // A damaged package is for its package manager to mend.
    return undefined;
  }
}
