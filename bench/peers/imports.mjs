// What a module costs that nobody calls: forwards as `bare` does.
import "./index_bg.wasm";
export { default } from "./bare.mjs";
