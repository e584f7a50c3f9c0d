import { expect } from "vitest";
import { openStore } from "../../src/stores/open-store.js";
import { useProgram } from "../support/child-program.js";
import { temporaryDirectory } from "../temporary.js";

interface StampedeReport {
  readonly made: number[];
  readonly wrong: unknown[];
  readonly failed: string[];
}

interface LoadReport {
  readonly acknowledged: Record<string, string>;
  readonly wrong: string[];
  readonly failed: string[];
  readonly gets: number;
  readonly getP99: number;
}

/** Trials with several processes on one store. */
export function useSharedStoreTrials() {
  const run = useProgram(new URL("./shared-store.child.ts", import.meta.url));
  return {
    /** All ask for the same keys at the same time. Expects that each value is made once, and answers how many are. */
    async stampede(
      url: string,
      { processes, keys, callers }: Record<"processes" | "keys" | "callers", number>,
    ) {
      const meeting = temporaryDirectory();
      const reports = await Promise.all(
        Array.from({ length: processes }, () =>
          run<StampedeReport>("stampede", url, meeting, processes, keys, callers),
        ),
      );
      expect(reports.flatMap(({ wrong, failed }) => [...wrong, ...failed])).toEqual([]);
      const made = reports.flatMap((report) => report.made).sort((one, other) => one - other);
      expect(made).toEqual(Array.from({ length: keys }, (_, key) => key));
      return made.length;
    },

    /** All set and get. Expects that no acknowledged set is lost and no value wrong. */
    async load(url: string, { processes, ms }: Record<"processes" | "ms", number>) {
      const reports = await Promise.all(
        Array.from({ length: processes }, (_, at) => run<LoadReport>("load", url, `p${at}`, ms)),
      );
      const store = (await openStore(url, "/", { onError: () => undefined }))!;
      try {
        for (const { acknowledged, wrong, failed } of reports) {
          expect({ wrong, failed }).toEqual({ wrong: [], failed: [] });
          const found = await store.getMany(Object.keys(acknowledged));
          expect(found.map((entry) => entry && Buffer.from(entry.bytes).toString())).toEqual(
            Object.values(acknowledged),
          );
        }
      } finally {
        await store.close();
      }
      return {
        gets: reports.reduce((sum, { gets }) => sum + gets, 0),
        /** Of the slowest process. Milliseconds. */
        getP99: Math.max(...reports.map(({ getP99 }) => getP99)),
      };
    },
  };
}
