import { type Kernel, ValidationError } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { validatePlugin, validated, type ValueIssue } from "@mlmcp/plugin-validate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const airport = { type: "string", pattern: "^[A-Z]{3}$" };
const limit = { type: "integer", minimum: 1, optional: true };

class Flights {
  readonly calls: unknown[][] = [];

  @validated({ args: [airport, limit], returns: { type: "array", maxItems: 2 } })
  async departures(...args: [airport: string, limit?: number, more?: unknown]): Promise<unknown[]> {
    this.calls.push(args);
    return Array.from({ length: args[1] ?? 1 }, () => args[0]);
  }

  @validated({ args: [airport], returns: { type: "number" } })
  distance(to: string): number {
    this.calls.push([to]);
    return to === "NUL" ? (null as never) : 42;
  }

  @validated({ args: [airport, false] })
  exactly(...args: unknown[]): number {
    return args.length;
  }

  @validated({
    args: [
      { type: "object", properties: { page: { type: "integer" } } },
      { type: "boolean", optional: true },
    ],
    coerce: true,
  })
  query(filter: { page: number; tags: string[] }, exact?: boolean): unknown {
    return { filter, exact };
  }

  @validated({ args: [airport] })
  async *rows(from: string): AsyncGenerator<string> {
    this.calls.push([from]);
    yield `${from} 1`;
    yield `${from} 2`;
  }

  @validated({ args: [airport] })
  static home(code: string): string {
    return code;
  }
}

@validated({ args: [{ type: "number" }], except: ["free"] })
class Sums {
  double(value: number): number {
    return value * 2;
  }
  @validated({ args: [{ type: "string" }] })
  label(value: unknown): string {
    return String(value);
  }
  free(value: unknown): unknown {
    return value;
  }
}

describe("@validated", () => {
  let kernel: Kernel;
  let flights: Flights;
  beforeEach(async () => {
    kernel = await createTestKernel({ plugins: [validatePlugin] });
    flights = kernel.adopt(new Flights());
  });
  afterEach(() => kernel.stop());

  it("lets valid calls through as they are", async () => {
    expect(await flights.departures("LAX", 2)).toEqual(["LAX", "LAX"]);
    expect(await flights.departures("LAX")).toEqual(["LAX"]);
    expect(await flights.departures("LAX", undefined)).toEqual(["LAX"]);
    expect(flights.distance("SFO")).toBe(42);
    expect(Flights.home("JFK")).toBe("JFK");
  });

  it("rejects where the method is async, with everything that is wrong, and does not run the method", async () => {
    const call = flights.departures("lax", 0.5);
    await expect(call).rejects.toBeInstanceOf(ValidationError);
    const error = (await call.catch((reason: unknown) => reason)) as ValidationError;
    expect(error.code).toBe("MLMCP_VALIDATION");
    expect(error.message).toBe(
      'Flights.departures was called with arguments that are not valid: args[0] must match pattern "^[A-Z]{3}$" (received "lax"); ' +
        "args[1] must be integer (received 0.5); args[1] must be >= 1 (received 0.5)",
    );
    expect(error.context).toMatchObject({ operation: "Flights.departures", subject: "arguments" });
    expect(
      (error.context.issues as ValueIssue[]).map(({ argument, path, keyword }) => [argument, path, keyword]),
    ).toEqual([
      [0, "args[0]", "pattern"],
      [1, "args[1]", "type"],
      [1, "args[1]", "minimum"],
    ]);
    expect(flights.calls).toEqual([]);
  });

  it("throws where the method is synchronous", () => {
    expect(() => flights.distance("lax")).toThrow(ValidationError);
    expect(() => Flights.home("jfk")).toThrow(
      "Flights.static.home was called with arguments that are not valid",
    );
    expect(flights.calls).toEqual([]);
  });

  it("wants every argument that is not optional", async () => {
    await expect(flights.departures(undefined as never)).rejects.toThrow(
      "args[0] is required (received undefined)",
    );
    expect(() => (flights as unknown as { distance(): number }).distance()).toThrow("args[0] is required");
  });

  it("does not look at arguments beyond the list, unless the list ends with false", async () => {
    expect(await flights.departures("LAX", 1, { any: "thing" })).toEqual(["LAX"]);
    expect(flights.exactly("LAX")).toBe(1);
    expect(flights.exactly("LAX", undefined, undefined)).toBe(3);
    expect(() => flights.exactly("LAX", 1)).toThrow("args[1] must be left out (received 1)");
    expect(() => flights.exactly("LAX", undefined, 2, 3)).toThrow(
      "args[2] must be left out (received 2); args[3] must be left out (received 3)",
    );
  });

  it("refuses a result that does not match, which is not the caller's fault", async () => {
    expect(() => flights.distance("NUL")).toThrow(
      expect.objectContaining({
        code: "MLMCP_VALIDATION_RESULT",
        message: "Flights.distance gave a result that is not valid: result must be number (received null)",
      }),
    );
    await expect(flights.departures("LAX", 3)).rejects.toMatchObject({
      code: "MLMCP_VALIDATION_RESULT",
      context: {
        subject: "result",
        issues: [{ path: "result", keyword: "maxItems", received: "an array of 3" }],
      },
    });
  });

  it("gives the method a converted copy and leaves the caller's objects alone", () => {
    const filter = Object.freeze({ page: "3", tags: Object.freeze(["a"]) });
    const seen = flights.query(filter as never, "true" as never) as {
      filter: { page: number; tags: string[] };
      exact: boolean;
    };
    expect(seen).toEqual({ filter: { page: 3, tags: ["a"] }, exact: true });
    expect(seen.filter.tags).toBe(filter.tags);
    expect(filter.page).toBe("3");
    expect(() => flights.query({ page: "three" } as never)).toThrow(
      'args[0].page must be integer (received "three")',
    );
  });

  it("checks the arguments of a stream before its first item", async () => {
    const items: string[] = [];
    for await (const item of flights.rows("LAX")) items.push(item);
    expect(items).toEqual(["LAX 1", "LAX 2"]);
    flights.calls.length = 0;
    await expect(flights.rows("lax").next()).rejects.toThrow("args[0] must match pattern");
    expect(flights.calls).toEqual([]);
  });

  it("decorates a class, whose methods may have schemas of their own", () => {
    const sums = kernel.adopt(new Sums());
    expect(sums.double(2)).toBe(4);
    expect(() => sums.double("2" as never)).toThrow("Sums.double was called");
    expect(sums.label("x")).toBe("x");
    expect(() => sums.label(1)).toThrow("args[0] must be string");
    expect(sums.free("anything")).toBe("anything");
  });
});
