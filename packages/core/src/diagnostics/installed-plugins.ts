import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { nearest } from "../config/nearest.js";
import { findPackage } from "./packages.js";

interface Manifest {
  readonly keywords?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * The plugins that are installed for a directory, by name: dependencies of its package that have
 * the keyword `mlmcp-plugin`, and every `@mlmcp/plugin-*` beside it. Nothing is executed.
 */
export function installedPlugins(directory: string): string[] {
  const { dependencies, devDependencies, optionalDependencies } = nearestManifest(directory) ?? {};
  const named = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
  const plugins = named.filter((name) => {
    const installed = findPackage(name, directory);
    const { keywords } = (installed && readManifest(installed.directory)) ?? {};
    return Array.isArray(keywords) && keywords.includes("mlmcp-plugin");
  });
  return [...new Set([...plugins, ...ownPlugins(directory)])].toSorted();
}

function ownPlugins(directory: string): string[] {
  for (let folder = directory; ; folder = dirname(folder)) {
    const scope = join(folder, "node_modules/@mlmcp");
    if (existsSync(scope)) {
      const names = readdirSync(scope).filter((name) => name.startsWith("plugin-"));
      return names.map((name) => `@mlmcp/${name}`);
    }
    if (dirname(folder) === folder) return [];
  }
}

function nearestManifest(directory: string): Manifest | undefined {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return readManifest(folder);
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * The installed plugin whose name was most likely meant. Scope and prefix count least: they would
 * hide a mistyped name behind them, and `cache` is short for `@mlmcp/plugin-cache`.
 */
export function nearestPlugin(typed: string, names: readonly string[]): string | undefined {
  const short = new Map(names.map((name) => [shortName(name), name]));
  return short.get(nearest(shortName(typed), short.keys()) ?? "") ?? nearest(typed, names, 2);
}

/** `cache` of `@mlmcp/plugin-cache`, and of `mlmcp-plugin-cache`. */
export function shortName(name: string): string {
  return name.replace(/^(@[^/]*\/)?(mlmcp-)?(plugin-)?/, "");
}

function readManifest(folder: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  } catch {
    // A damaged package is for its package manager to mend.
    return undefined;
  }
}
