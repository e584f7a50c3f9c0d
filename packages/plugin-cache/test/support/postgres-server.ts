import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.js";

/** Where Debian keeps the servers' programs, which are not on the path of users. */
const debian = "/usr/lib/postgresql";

function folderOfPrograms(): string | undefined {
  const folders = existsSync(debian)
    ? readdirSync(debian).map((version) => join(debian, version, "bin"))
    : [];
  const found = folders.sort().findLast((folder) => existsSync(join(folder, "postgres")));
  if (found !== undefined) return `${found}/`;
  return spawnSync("initdb", ["--version"]).status === 0 ? "" : undefined;
}

/** Whether this machine has one. Where everything must be tested (`CI=true`) it has to. */
export const hasPostgres = folderOfPrograms() !== undefined || process.env["CI"] === "true";

/** A Postgres of the test's own, on a free port. */
export class PostgresServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
  }

  static async start(): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), "mlmcp-postgres-"));
    const { uid, gid } = user();
    if (uid !== undefined) await chown(folder, uid, gid!);
    await chmod(folder, 0o700);
    const options = ["-D", join(folder, "data"), "-U", "cache", "-A", "trust", "-E", "UTF8", "--no-sync"];
    execFileSync(`${folderOfPrograms()}initdb`, options, {
      ...user(),
      stdio: ["ignore", "ignore", "inherit"],
    });
    const server = new PostgresServer(await freePort(), folder);
    await server.start();
    return server;
  }

  get url(): string {
    return `postgres://cache:secret@127.0.0.1:${this.port}/postgres`;
  }

  /** Again, with the data that it had. */
  async start(): Promise<void> {
    const settings = ["-D", join(this.#folder, "data"), "-p", String(this.port), "-k", this.#folder, "-F"];
    const server = spawn(`${folderOfPrograms()}postgres`, [...settings, "-c", "listen_addresses=127.0.0.1"], {
      ...user(),
      cwd: this.#folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = server;
    let said = "";
    for await (const chunk of server.stderr.iterator({ destroyOnReturn: false })) {
      said += String(chunk);
      if (said.includes("ready to accept connections")) break;
    }
    server.stderr.resume();
    if (!said.includes("ready to accept connections")) throw new Error(`postgres did not start:\n${said}`);
  }

  /** Connections stay open and nothing is answered: the processes that serve them stand still. */
  pause(): void {
    this.#signal("STOP");
  }

  resume(): void {
    this.#signal("CONT");
  }

  /** As if the machine had crashed. */
  async kill(): Promise<void> {
    const server = this.#process;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    // Its children notice, and end.
    server.kill("SIGQUIT");
    await gone;
  }

  /** What `psql` prints. */
  ask(sql: string): string {
    return String(execFileSync("psql", ["-XAtq", "-c", sql, this.url])).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true });
  }

  #signal(signal: "STOP" | "CONT"): void {
    const children = String(spawnSync("pgrep", ["-P", String(this.#process!.pid)]).stdout).split("\n");
    for (const pid of [this.#process!.pid, ...children.filter(Boolean)])
      spawnSync("kill", [`-${signal}`, String(pid)]);
  }
}

/** It refuses to run as root. */
function user(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync("id", [flag, "postgres"]));
  return { uid: id("-u"), gid: id("-g") };
}
