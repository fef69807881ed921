// The instance of the module. A trap ends it: a panic, or memory or a stack that is used up. What waits in it is told so,
// and the next call makes another instance, which begins anew.
import * as gateway from "gateway";

const state = gateway.__worker_init_state();
// Whom to tell. Who has gone never leaves by itself, so the oldest make room.
const waiting = new Set();

const ends = new WeakSet();

// In a turn that the runtime began, a trap has nobody to be thrown at.
addEventListener("error", (event) => heard(event.error));
addEventListener("unhandledrejection", (event) => heard(event.reason));

function heard(error) {
  if (error instanceof WebAssembly.RuntimeError) end(error);
}

function end(error) {
  ends.add(error);
  state.criticalError = true;
  for (const tell of waiting) tell(error);
  waiting.clear();
}

export const isEnd = (error) => ends.has(error);

// Which instance the next call is for. It comes before anything that takes a text or bytes, which the glue writes into
// the instance that there is.
export function ready() {
  if (state.criticalError) {
    state.criticalError = false;
    gateway.__wbg_reset_state();
  }
  return state.instanceId;
}

// Calls the module, which throws nothing: what is thrown here is a trap, or a stack that is used up.
export function invoke(work, ...given) {
  ready();
  try {
    return work(...given);
  } catch (error) {
    end(error);
    throw error;
  }
}

// Calls what gives a promise of the module's. Such a promise never settles once its instance has ended.
export function run(work, ...given) {
  return new Promise((resolve, reject) => {
    if (waiting.size >= gateway.Code.Waiting) waiting.delete(waiting.values().next().value);
    waiting.add(reject);
    const settled = (settle) => (value) => { waiting.delete(reject); settle(value); };
    try {
      invoke(work, ...given).then(settled(resolve), settled(reject));
    } catch (error) {
      settled(reject)(error);
    }
  });
}
