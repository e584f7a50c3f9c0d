import { withFileLock } from "../../../src/config/writing/file-lock.js";

/** Holds the lock of a file until it is killed. */
await withFileLock(process.argv[2]!, async () => {
  process.stdout.write("held");
  await new Promise((_, reject) => setTimeout(reject, 60_000));
});
