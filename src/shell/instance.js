// The instance of the module. A trap ends it: a panic, or memory or a stack that is used up. What waits in it is told so,
// and the next call makes another instance, which begins anew.
import * as gateway from "gateway";

const state = gateway.__worker_init_state();
const waiting = new Set();

// A trap shows where the module was called, or in a turn that the runtime began.
addEventListener("error", (event) => ended(event.error));
addEventListener("unhandledrejection", (event) => ended(event.reason));

export const isEnd = (error) => error instanceof WebAssembly.RuntimeError || error instanceof RangeError;

export function ended(error) {
  if (!isEnd(error)) return;
  state.criticalError = true;
  for (const tell of waiting) tell(error);
  waiting.clear();
}

// Which instance the next call is for. It comes before anything that takes a text or bytes, which the glue writes into
// the instance that there is.
export function ready() {
  if (state.criticalError) {
    state.criticalError = false;
    gateway.__wbg_reset_state();
  }
  return state.instanceId;
}

// Runs what gives a promise of the module's. Such a promise never settles once its instance has ended.
export function run(work) {
  ready();
  return new Promise((resolve, reject) => {
    waiting.add(reject);
    const settled = (settle) => (value) => { waiting.delete(reject); settle(value); };
    try {
      work().then(settled(resolve), settled(reject));
    } catch (error) {
      ended(error);
      settled(reject)(error);
    }
  });
}
