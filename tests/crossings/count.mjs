// Counts what wasm calls, by name. Must be evaluated before the module: it wraps the imports that the module hands over.

export const calls = {};

const Instance = WebAssembly.Instance;

WebAssembly.Instance = function (module, imports) {
  for (const space of Object.values(imports)) {
    for (const [name, call] of Object.entries(space)) {
      if (typeof call !== "function") continue;
      const short = name.replace(/_[0-9a-f]{16}$/, "");
      space[name] = function (...values) {
        calls[short] = (calls[short] ?? 0) + 1;
        return call.apply(this, values);
      };
    }
  }
  return new Instance(module, imports);
};
