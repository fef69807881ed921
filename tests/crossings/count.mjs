// Counts, by name, what wasm calls (`out`), what of wasm is called (`in`), and which objects of the runtime are made
// (`made`). Must be evaluated before the module: it wraps the imports that the module hands over.

export const counts = { out: {}, in: {}, made: {} };

const counted = (kind, name) => (counts[kind][name] = (counts[kind][name] ?? 0) + 1);
const short = (name) => name.replace(/_[0-9a-f]{16}$/, "");

// What the glue between the two calls for itself: memory, its table of objects.
const GLUE = /^(__wbindgen|__externref|__instance|__abort|memory)/;

const Instance = WebAssembly.Instance;

WebAssembly.Instance = function (module, imports) {
  for (const space of Object.values(imports)) {
    for (const [name, call] of Object.entries(space)) {
      if (typeof call !== "function") continue;
      space[name] = function (...values) {
        counted("out", short(name));
        return call.apply(this, values);
      };
    }
  }
  const made = new Instance(module, imports);
  const exports = {};
  for (const [name, member] of Object.entries(made.exports)) {
    exports[name] =
      typeof member !== "function" || GLUE.test(name)
        ? member
        : (...values) => (counted("in", name.replace(/_+[0-9a-fh]{17}$/, "")), member(...values));
  }
  return { exports };
};

for (const name of ["Request", "Response", "Headers", "Promise", "Uint8Array"]) {
  globalThis[name] = new Proxy(globalThis[name], {
    construct(Class, values, target) {
      counted("made", name);
      return Reflect.construct(Class, values, target);
    },
  });
}
