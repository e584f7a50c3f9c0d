import { execFileSync } from "node:child_process";

/** Makes a named pipe, as POSIX systems have them. */
export function makePipe(path: string): void {
  execFileSync("mkfifo", [path]);
}
