import { createKernel, degrade, retry, service } from "@mlmcp/core";
import { cached } from "@mlmcp/plugin-cache";
import { PerformanceMonitor, timed } from "@mlmcp/plugin-monitor";
import { validated } from "@mlmcp/plugin-validate";

@service()
class Weather {
  #stationIsDownFor = 2;

  @timed()
  @validated({ args: [{ type: "string", minLength: 2 }] })
  @cached({ ttl: "10m" })
  @degrade({ fallback: "yesterday" })
  @retry(3)
  async today(city: string): Promise<string> {
    if (this.#stationIsDownFor-- > 0) throw new Error("The station does not answer.");
    return `${city}: 21 °C`;
  }

  async yesterday(city: string): Promise<string> {
    return `${city}: 19 °C (yesterday)`;
  }
}

await using kernel = await createKernel();
const weather = kernel.resolve(Weather);

console.log(await weather.today("Oslo")); // the third attempt
console.log(await weather.today("Oslo")); // from the cache
console.log(await weather.today("X").catch((error: Error) => error.message)); // refused
console.log(kernel.resolve(PerformanceMonitor).summaryTable());
