import type { KnownSchemas, SecretResolver, SectionSchema } from "../config/index.js";
import { PluginError } from "../errors/index.js";
import { liveOperations } from "../operations/operation.js";
import { shared } from "../operations/shared-state.js";
import type { Advice, Plugin } from "../plugin.js";

/** Whose schemas there are. */
interface SchemaOwners {
  readonly plugins: readonly Plugin[];
  /** Plugins that the configuration turns off; what is written for them stays valid. */
  readonly turnedOff: readonly Plugin[];
  /** Sections of this kernel alone, from `createKernel({ sections })`. */
  readonly sections: readonly SectionSchema[];
}

/**
 * What may stand in the configuration: the sections of plugins and of the application, and all
 * advice. A plugin that is turned off keeps its section, unless the one that stands in for it has
 * the same.
 *
 * @throws PluginError `MLMCP_PLUGIN_SECRETS` where two plugins read secrets under one name
 */
export function schemasKnownTo({ plugins, turnedOff, sections }: SchemaOwners): KnownSchemas {
  return {
    sections: knownSections(plugins, turnedOff, sections),
    advice: knownAdvice(plugins, turnedOff),
    secretResolvers: secretResolvers(plugins),
  };
}

function knownSections(
  plugins: readonly Plugin[],
  turnedOff: readonly Plugin[],
  own: readonly SectionSchema[],
): SectionSchema[] {
  const sections = [...sectionsOf(plugins), ...own];
  const ownNames = new Set(own.map(({ name }) => name));
  for (const section of shared.sections.values()) if (!ownNames.has(section.name)) sections.push(section);
  const taken = new Set(sections.map(({ name }) => name));
  for (const section of sectionsOf(turnedOff)) {
    if (!taken.has(section.name)) sections.push(section);
    taken.add(section.name);
  }
  return sections;
}

function sectionsOf(plugins: readonly Plugin[]): SectionSchema[] {
  return plugins.flatMap(({ name, section, schema }) =>
    section === undefined ? [] : [{ name: section, schema: schema ?? { type: "object" }, plugin: name }],
  );
}

function knownAdvice(plugins: readonly Plugin[], turnedOff: readonly Plugin[]): KnownSchemas["advice"] {
  const advice = new Map<string, Advice>();
  const know = (one: Advice): void => void advice.set(one.name, one);
  for (const { decorators = [] } of turnedOff) for (const decorator of decorators) know(decorator.advice);
  for (const operation of liveOperations()) for (const applied of operation.advice) know(applied.advice);
  for (const { decorators = [] } of plugins) for (const decorator of decorators) know(decorator.advice);
  return [...advice.values()].map(({ name, schema, shorthand }) => ({ name, schema, shorthand }));
}

function secretResolvers(plugins: readonly Plugin[]): Map<string, SecretResolver> {
  const resolvers = new Map<string, SecretResolver>();
  const owners = new Map<string, string>();
  for (const { name, secretResolvers: brought = [] } of plugins) {
    for (const resolver of brought) {
      const { provider } = resolver;
      const other = owners.get(provider);
      if (other !== undefined) {
        throw new PluginError(
          `The plugins "${other}" and "${name}" both read secret://${provider}/…. Load one of them, or let one choose another provider.`,
          { code: "MLMCP_PLUGIN_SECRETS", context: { provider, plugins: [other, name] } },
        );
      }
      owners.set(provider, name);
      resolvers.set(provider, resolver);
    }
  }
  return resolvers;
}
