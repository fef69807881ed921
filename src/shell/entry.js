// The Worker's entry: what the runtime calls.
import * as gateway from "gateway";
import { answer } from "./calls.js";
import { run } from "./instance.js";
import { lasting } from "./objects.js";

export default {
  fetch: answer,
  scheduled: (event, env, context) => run(gateway.scheduled, event, env, context),
};

export const Ledger = lasting(gateway.Ledger);
export const MintLimiter = lasting(gateway.MintLimiter);
