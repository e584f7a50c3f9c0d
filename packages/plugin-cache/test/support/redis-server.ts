import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.js";

export type RedisBinary = "redis-server" | "valkey-server";

/**
 * Whether this machine has one. Where everything must be tested (`CI=true`) it has to have Redis; Valkey
 * speaks the same protocol, and not every distribution has it.
 */
export function hasRedis(binary: RedisBinary = "redis-server"): boolean {
  if (binary === "redis-server" && process.env["CI"] === "true") return true;
  return spawnSync(binary, ["--version"]).status === 0;
}

export interface RedisSettings {
  readonly binary?: RedisBinary;
  readonly password?: string;
  /** Further ones of the server, such as `["--maxmemory", "4mb"]`. */
  readonly settings?: readonly string[];
}

/** A Redis of the test's own, on a free port. Its data lives as long as its process. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #options: RedisSettings;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, options: RedisSettings) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
  }

  static async start(options: RedisSettings = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), "mlmcp-redis-"));
    const server = new RedisServer(await freePort(), folder, options);
    await server.start();
    return server;
  }

  get url(): `redis://${string}` {
    const { password } = this.#options;
    return `redis://${password === undefined ? "" : `:${password}@`}127.0.0.1:${this.port}`;
  }

  /** Again, empty, on the same port. */
  async start(): Promise<void> {
    const { binary = "redis-server", password, settings = [] } = this.#options;
    const own = ["--port", String(this.port), "--bind", "127.0.0.1", "--save", "", "--dir", this.#folder];
    const server = spawn(
      binary,
      [...own, ...(password === undefined ? [] : ["--requirepass", password]), ...settings],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    this.#process = server;
    let said = "";
    for await (const chunk of server.stdout.iterator({ destroyOnReturn: false })) {
      said += String(chunk);
      if (said.includes("Ready to accept connections")) break;
    }
    // What nobody reads would stop it once the pipe is full.
    server.stdout.resume();
    if (!said.includes("Ready to accept connections")) throw new Error(`${binary} did not start:\n${said}`);
  }

  /** It accepts connections and answers nothing. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    const server = this.#process;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
  }

  /** What `redis-cli`, or its twin of Valkey, prints. */
  ask(...command: string[]): string {
    const { binary = "redis-server", password } = this.#options;
    const login = password === undefined ? [] : ["--no-auth-warning", "-a", password];
    const { stdout } = spawnSync(binary.replace("-server", "-cli"), [
      "-p",
      String(this.port),
      ...login,
      ...command,
    ]);
    return String(stdout).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true });
  }
}
