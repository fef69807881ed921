// Reports like the Rust harness, so that `cargo xtask test` counts these cases too.

export default async function* reporter(source) {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for await (const { type, data } of source) {
    if (type === "test:stdout" || type === "test:stderr") yield data.message;
    if (data?.details?.type === "suite") continue;
    if (data?.skip) {
      skipped += 1;
      yield `test ${data.name} ... ignored, ${data.skip}\n`;
      continue;
    }
    if (type === "test:pass") {
      passed += 1;
      yield `test ${data.name} ... ok\n`;
    }
    if (type === "test:fail") {
      failed += 1;
      const { error } = data.details;
      yield `test ${data.name} ... FAILED\n${error?.cause?.stack ?? error?.stack ?? error}\n`;
    }
  }
  yield `\ntest result: ${failed === 0 ? "ok" : "FAILED"}. ${passed} passed; ${failed} failed; ${skipped} ignored\n`;
}
