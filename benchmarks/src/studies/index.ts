/** All studies by name. Each is loaded where it runs. */
export const studies = {
  "hit-rate": () => import("./hit-rate.js"),
};
