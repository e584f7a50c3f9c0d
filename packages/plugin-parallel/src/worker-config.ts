import type { Plugin } from "@mlmcp/core";

type Config = Readonly<Record<string, unknown>>;

/** Sections that every kernel knows. */
const CORE_SECTIONS = ["system", "performance", "errorHandling"];

/**
 * The part of a configuration that can be sent to a worker: data. Functions and objects with a
 * class of their own, which only code can give, stay behind.
 */
export function portableConfig(config: Config): Config {
  return portable(config) as Config;
}

/**
 * The configuration of a worker's kernel: of that of the application, what concerns the plugins
 * that the worker has. Anything else would be an unknown section or advice there.
 */
export function workerConfig(config: Config, plugins: readonly Plugin[]): Config {
  const sections = [...CORE_SECTIONS, ...plugins.flatMap(({ section }) => section ?? [])];
  const advice = new Set(
    plugins.flatMap(({ decorators }) => decorators?.map((decorator) => decorator.advice.name) ?? []),
  );
  const isKnown = (key: string, setting: unknown): boolean =>
    key === "order" ? (setting as readonly string[]).every((name) => advice.has(name)) : advice.has(key);
  const operations = mapValues(config["operations"], (settings) => pick(settings, isKnown));
  return {
    ...pick(config, (key) => sections.includes(key)),
    operations,
    plugins: pick(
      isPlainObject(config["plugins"]) ? config["plugins"] : {},
      (_, setting) => setting === false,
    ),
  };
}

function portable(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter(isPortable).map(portable);
  return isPlainObject(value)
    ? mapValues(
        pick(value, (_, child) => isPortable(child)),
        portable,
      )
    : value;
}

function isPortable(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Array.isArray(value) || isPlainObject(value);
  return typeof value !== "function" && typeof value !== "symbol";
}

function pick(value: unknown, keep: (key: string, value: unknown) => boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries((value ?? {}) as object).filter(([key, child]) => keep(key, child)),
  );
}

function mapValues(value: unknown, map: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries((value ?? {}) as object).map(([key, child]) => [key, map(child)]));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
