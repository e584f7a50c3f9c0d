import type { ErrorHandlingOptions, PerformanceOptions, SystemOptions } from "./sections.js";
import type { Duration, Size } from "./schema/units.js";

/**
 * The sections of the configuration and what they are read as. A plugin adds its own, and so does
 * an application; then `config.get("ml.batchSize")` has its type and `defineConfig` completes it.
 *
 * ```ts
 * declare module "@mlmcp/core" {
 *   interface ConfigSections {
 *     ml: { batchSize: number; device?: "cpu" | "gpu" };
 *   }
 * }
 * ```
 */
export interface ConfigSections {
  system: SystemOptions;
  performance: PerformanceOptions;
  errorHandling: ErrorHandlingOptions;
}

/** A path to what a known section holds: `"cache"`, `"cache.ttl"`. */
export type ConfigPath = {
  [Name in keyof ConfigSections & string]: Name | PathsIn<ConfigSections[Name], Name>;
}[keyof ConfigSections & string];

/** The type of what stands at a path; `unknown` for paths that no known section has. */
export type ConfigValue<Path extends string> = ValueAt<ConfigSections, Path>;

/** Paths below a prefix. Objects with methods, such as an adapter that code gives, are values. */
type PathsIn<Value, Prefix extends string, Depth extends unknown[] = []> = Depth["length"] extends 4
  ? never
  : Value extends Leaf
    ? never
    : Value extends object
      ? HasMethods<Value> extends true
        ? never
        : {
            [Key in keyof Value & string]:
              | `${Prefix}.${Key}`
              | PathsIn<Value[Key], `${Prefix}.${Key}`, [...Depth, unknown]>;
          }[keyof Value & string]
      : never;

type Leaf = string | number | boolean | null | undefined | readonly unknown[] | AnyFunction;
type AnyFunction = (...args: never[]) => unknown;
type HasMethods<Value> = [Extract<Value[keyof Value], AnyFunction>] extends [never] ? false : true;

type ValueAt<Value, Path extends string> = Path extends `${infer Key}.${infer Rest}`
  ? ValueAt<Child<Value, Key>, Rest>
  : Child<Value, Path>;

/** Of each member of a union that has the key; a member that is no object, or missing, gives nothing. */
type Child<Value, Key extends string> = unknown extends Value
  ? unknown
  : Value extends object
    ? Key extends keyof Value
      ? Value[Key]
      : unknown
    : undefined;

/** What stands in a text for something that is known only where it runs. */
type Reference = `\${${string}}` | `secret://${string}`;

/**
 * How a value may be written: everything may be left out, a number may be a length of time or an
 * amount of memory with its unit, and a reference stands for any value.
 */
export type Written<Value> = Value extends number
  ? Value | Duration | Size | Reference
  : Value extends boolean
    ? Value | Reference
    : Value extends Leaf
      ? Value extends readonly (infer Item)[]
        ? readonly Written<Item>[]
        : Value
      : Value extends object
        ? HasMethods<Value> extends true
          ? Value
          : { readonly [Key in keyof Value]?: Written<Value[Key]> }
        : Value;
