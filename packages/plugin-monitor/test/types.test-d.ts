import { PerformanceMonitor, timed, type OperationSummary } from "@mlmcp/plugin-monitor";
import { expectTypeOf, test } from "vitest";

test("@timed keeps the types of methods, whatever they return", () => {
  class Service {
    @timed("reports/later")
    async later(text: string): Promise<number> {
      return text.length;
    }
    @timed({ slow: "2s", buckets: [5, "10ms", "1.5s"] })
    now<T>(value: T): T {
      return value;
    }
    @timed()
    async *items(): AsyncGenerator<number> {
      yield 1;
    }
  }
  expectTypeOf<Service["later"]>().toEqualTypeOf<(text: string) => Promise<number>>();
  expectTypeOf<Service["now"]>().toEqualTypeOf<<T>(value: T) => T>();
});

test("options that do not exist, or have another type, do not compile", () => {
  // @ts-expect-error no such option
  expectTypeOf(timed({ labels: {} })).toBeFunction();
  // @ts-expect-error not a duration
  expectTypeOf(timed({ slow: "soon" })).toBeFunction();
  // @ts-expect-error a name is a text
  expectTypeOf(timed(5)).toBeFunction();
});

test("operation() gives what its function gives", () => {
  const monitor = new PerformanceMonitor();
  expectTypeOf(monitor.operation("a", () => 1)).toEqualTypeOf<number>();
  expectTypeOf(monitor.operation("a", async () => "x")).toEqualTypeOf<Promise<string>>();
  expectTypeOf(monitor.summary()).toEqualTypeOf<OperationSummary[]>();
  expectTypeOf(monitor.metrics()).toEqualTypeOf<Promise<string>>();
});
