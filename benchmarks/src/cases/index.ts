/** All cases by name. Each is loaded where it runs, so that no case pays for the plugins of another. */
export const cases = {
  "dispatch-async": () => import("./dispatch-async.js"),
  "dispatch-sync": () => import("./dispatch-sync.js"),
  timed: () => import("./timed.js"),
  retry: () => import("./retry.js"),
  degrade: () => import("./degrade.js"),
  timeout: () => import("./timeout.js"),
  cached: () => import("./cached.js"),
  start: () => import("./start.js"),
};
