import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.js";

/** Whether this machine has one. Where everything must be tested (`CI=true`) it has to. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0 || process.env["CI"] === "true";

/** A Redis of the test's own, on a free port. */
export class RedisServer implements AsyncDisposable {
  private constructor(
    readonly url: `redis://${string}`,
    private readonly process: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), "mlmcp-redis-"));
    const port = await freePort();
    const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
    const server = spawn("redis-server", settings, { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    for await (const chunk of server.stdout) {
      said += String(chunk);
      if (said.includes("Ready to accept connections")) break;
    }
    if (!said.includes("Ready to accept connections"))
      throw new Error(`redis-server did not start:\n${said}`);
    return new RedisServer(`redis://127.0.0.1:${port}`, server, folder);
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true });
  }
}
