import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { createServer as createTlsServer, Server as TlsServer } from "node:tls";
import type { Certificate } from "./certificate.js";

type Filter = (data: Buffer) => Buffer;

/** Stands between a client and a server, and is as slow as the test wants. */
export class TcpProxy implements AsyncDisposable {
  /** What each piece of data takes on its way to the client. Milliseconds. */
  delay = 0;
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #filter: () => Filter;
  #isCut = false;

  private constructor(server: Server, to: number, filter: () => Filter) {
    this.#server = server;
    this.#filter = filter;
    this.port = (server.address() as AddressInfo).port;
    const isEncrypted = server instanceof TlsServer;
    server.on(isEncrypted ? "secureConnection" : "connection", (client: Socket) => this.#join(client, to));
  }

  /**
   * @param certificate what clients are shown, who then speak to the server through TLS. Without it they do not
   * @param filter makes what gives the client, for each connection, something else than the server says
   */
  static async start(
    to: number,
    { certificate, filter = () => (data) => data }: { certificate?: Certificate; filter?: () => Filter } = {},
  ): Promise<TcpProxy> {
    const files = certificate && {
      cert: readFileSync(certificate.certificate),
      key: readFileSync(certificate.key),
    };
    const server = files ? createTlsServer(files) : createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TcpProxy(server, to, filter);
  }

  /** Ends all connections, and lets nobody through until {@link mend}. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket, to: number): void {
    if (this.#isCut) return void client.destroy();
    const server = connect(to, "127.0.0.1");
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(server);
    const filter = this.#filter();
    // Nothing overtakes what was said before, also where the delay becomes shorter.
    let before = Promise.resolve();
    server.on("data", (said) => {
      const data = filter(said);
      const delayed = pause(this.delay);
      before = before.then(async () => {
        await delayed;
        if (client.writable) client.write(data);
      });
    });
  }
}
