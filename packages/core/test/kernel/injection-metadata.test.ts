import { service } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { expect, it } from "vitest";

@service()
class Database {}

interface Clock {
  now(): number;
}

it("injects by the compiler's metadata where it writes them", async () => {
  @service()
  class Reports {
    constructor(readonly database: Database) {}
  }
  await using kernel = await createTestKernel();
  expect(kernel.resolve(Reports).database).toBe(kernel.resolve(Database));
});

it("says which parameter has no class that could be injected", async () => {
  @service()
  class Timed {
    constructor(
      readonly database: Database,
      readonly clock: Clock,
    ) {}
  }
  await using kernel = await createTestKernel();
  expect(() => kernel.resolve(Timed)).toThrow(
    /Timed has a parameter 2 of which no class is known \(an interface/,
  );
});

it("says what to do where no metadata are written", async () => {
  class Bare {
    constructor(readonly database: Database) {}
  }
  // What esbuild makes of a decorated class: no metadata.
  service()(Bare);
  await using kernel = await createTestKernel();
  expect(() => kernel.resolve(Bare)).toThrow(
    /takes 1 parameter\(s\), but nothing says what to inject\. Name them: `@service\(\[/,
  );
});
