import monitorPlugin, { PerformanceMonitor, timed } from "@mlmcp/plugin-monitor";
import { Histogram, Registry } from "prom-client";
import type { Case, Contender } from "../harness/case.js";
import { bareCall } from "./support/bare-call.js";
import { leaveKernel, useKernel } from "./support/kernel.js";

/** Upper bounds in seconds, as many as the monitor has. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const createHistogram = (): Histogram<"operation"> =>
  new Histogram({
    name: "operation_duration_seconds",
    help: "Duration of calls",
    labelNames: ["operation"],
    buckets,
    registers: [new Registry()],
  });

async function countIn(histogram: Histogram<"operation">): Promise<number> {
  const { values } = await histogram.get();
  return values.find(({ metricName }) => metricName?.endsWith("_count"))?.value ?? 0;
}

/** Three calls come to their value, and are counted where something counts. */
async function valueAndCount(call: () => Promise<number>, count: () => number | Promise<number>) {
  const before = await count();
  await call();
  await call();
  const value = await call();
  return { value, counted: (await count()) - before };
}

const clock: Contender = {
  name: "two readings of the clock and no more",
  setup() {
    let calls = 0;
    let total = 0;
    class Sums {
      async add(n: number) {
        const started = performance.now();
        try {
          return n + 1;
        } finally {
          total += performance.now() - started;
          calls += 1;
        }
      }
    }
    const sums = new Sums();
    return {
      async run(times) {
        let sum = 0;
        for (let i = 0; i < times; i += 1) sum += await sums.add(i);
        return sum + total;
      },
      check: () =>
        valueAndCount(
          () => sums.add(41),
          () => calls,
        ),
    };
  },
};

const decorated: Contender = {
  name: "@timed",
  async setup() {
    const kernel = await useKernel([monitorPlugin]);
    class Timed {
      @timed()
      async add(n: number) {
        return n + 1;
      }
    }
    const sums = new Timed();
    const count = () =>
      kernel
        .resolve(PerformanceMonitor)
        .summary()
        .find(({ operation }) => operation === "Timed.add")?.calls ?? 0;
    return {
      async run(times) {
        let sum = 0;
        for (let i = 0; i < times; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: () => valueAndCount(() => sums.add(41), count),
      dispose: leaveKernel,
    };
  },
};

const labelled: Contender = {
  name: "prom-client by hand, labels at each call",
  setup() {
    const histogram = createHistogram();
    class Sums {
      async add(n: number) {
        const started = performance.now();
        try {
          return await this.work(n);
        } finally {
          histogram.observe({ operation: "Sums.add" }, (performance.now() - started) / 1000);
        }
      }

      private async work(n: number) {
        return n + 1;
      }
    }
    const sums = new Sums();
    return {
      async run(times) {
        let sum = 0;
        for (let i = 0; i < times; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: () =>
        valueAndCount(
          () => sums.add(41),
          () => countIn(histogram),
        ),
    };
  },
};

const bound: Contender = {
  name: "prom-client by hand, labels bound once",
  setup() {
    const histogram = createHistogram();
    const durations = histogram.labels("Sums.add");
    class Sums {
      async add(n: number) {
        const started = performance.now();
        try {
          return await this.work(n);
        } finally {
          durations.observe((performance.now() - started) / 1000);
        }
      }

      private async work(n: number) {
        return n + 1;
      }
    }
    const sums = new Sums();
    return {
      async run(times) {
        let sum = 0;
        for (let i = 0; i < times; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: () =>
        valueAndCount(
          () => sums.add(41),
          () => countIn(histogram),
        ),
    };
  },
};

const timedCase: Case = {
  name: "timed",
  question: "What does it cost to count and time every call of an async method?",
  reference: bareCall.name,
  contenders: [bareCall, clock, decorated, bound, labelled],
  budgets: [{ contender: decorated.name, over: bareCall.name, ns: 150, referenceNs: 29 }],
};

export default timedCase;
