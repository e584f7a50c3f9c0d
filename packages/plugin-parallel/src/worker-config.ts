import type { Plugin } from "@mlmcp/core";

type Config = Readonly<Record<string, unknown>>;

/** Sections that every kernel knows. */
const CORE_SECTIONS = ["system", "performance", "errorHandling"];

/**
 * The part of a configuration that can be sent to a worker: data. Functions, which only code can
 * give, stay behind.
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
  const advice = new Set(plugins.flatMap(({ decorators }) => decorators?.map((decorator) => decorator.advice.name) ?? []));
  const operations = mapValues(config["operations"], (settings) => pick(settings, (key) => key === "order" || advice.has(key)));
  return {
    ...pick(config, (key) => sections.includes(key)),
    operations,
    plugins: pick(isObject(config["plugins"]) ? config["plugins"] : {}, (_, setting) => setting === false),
  };
}

function portable(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => typeof item !== "function").map(portable);
  if (!isObject(value)) return value;
  return mapValues(pick(value, (_, child) => typeof child !== "function"), portable);
}

function pick(value: unknown, keep: (key: string, value: unknown) => boolean): Record<string, unknown> {
  return Object.fromEntries(Object.entries((value ?? {}) as object).filter(([key, child]) => keep(key, child)));
}

function mapValues(value: unknown, map: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries((value ?? {}) as object).map(([key, child]) => [key, map(child)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
