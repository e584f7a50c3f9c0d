import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cacheSectionSchema } from "../../src/options.js";
import { cachedSchema } from "../../src/options/cached.js";
import { cacheEvictSchema } from "../../src/options/cache-evict.js";
import { cachePutSchema } from "../../src/options/cache-put.js";
import { metrics } from "../../src/metrics.js";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** From a heading to the next one of any level. */
function chapter(heading: string): string {
  return readme.split(/^(?=#+ )/m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
}

const rowsOf = (text: string): string[] =>
  Array.from(text.matchAll(/^\| `([\w.]+)` /gm), ([, name]) => name!);

describe("the README names everything that there is, and nothing else", () => {
  it("among the options of the section", () => {
    const { models, ...others } = cacheSectionSchema.properties;
    expect(rowsOf(chapter("## Section `cache`")).sort()).toEqual([...Object.keys(others), "models"].sort());
    expect(rowsOf(chapter("## Models")).sort()).toEqual(
      Object.keys(models.properties)
        .map((name) => `cache.models.${name}`)
        .sort(),
    );
    for (const { properties } of [others.adaptive, others.namespaces.additionalProperties])
      for (const name of Object.keys(properties)) expect(chapter("## Section `cache`")).toContain(name);
  });

  it("among the metrics", () => {
    expect(rowsOf(chapter("## Metrics"))).toEqual(metrics.map(({ name }) => name));
  });

  it("among the options of @cached, @cacheEvict and @cachePut", () => {
    // `name` is an option of every decorator.
    expect(rowsOf(chapter("## Options of `@cached`")).sort()).toEqual(
      [...Object.keys(cachedSchema.properties), "name"].sort(),
    );
    const evictAndPut = chapter("### `@cacheEvict` and `@cachePut`");
    expect(rowsOf(evictAndPut).sort()).toEqual(Object.keys(cacheEvictSchema.properties).sort());
    const put = evictAndPut.slice(evictAndPut.indexOf("`@cachePut` runs the method"));
    for (const name of Object.keys(cachePutSchema.properties)) expect(put).toContain(`\`${name}\``);
  });
});
