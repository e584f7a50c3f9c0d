import type { Contender } from "../../harness/case.js";

/** What most cases refer to: an async method that nothing stands around. */
export const bareCall: Contender = {
  name: "bare call",
  partial: true,
  setup() {
    class Sums {
      async add(n: number) {
        return n + 1;
      }
    }
    const sums = new Sums();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: async () => ({ value: await sums.add(41) }),
    };
  },
};
