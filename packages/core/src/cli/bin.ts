import { run } from "./run.js";

// A reader that has seen enough, such as `head`, is no fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

process.exitCode = await run(process.argv.slice(2), {
  // A getter: opening the standard input costs every command, and few ask anything.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  cwd: process.cwd(),
  env: process.env,
});
await new Promise((resolve) => process.stdout.write("", resolve));
// The imported application may have left timers or sockets open that nobody will close.
setTimeout(() => process.exit(), 200).unref();
