// The built module behind a D1 that takes its time.

import "./slow.mjs";

export * from "./index.js";
export { default } from "./index.js";
