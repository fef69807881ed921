// Durable Objects, across instances of the module: where one cannot go on (its memory or its stack is used up), another
// takes its place, and objects that were made in it are made anew.
import * as gateway from "gateway";

const state = gateway.__worker_init_state();

export function lasting(Made) {
  return class {
    #arguments;
    #instance;
    #made;

    constructor(...given) {
      this.#arguments = given;
      this.#current();
    }

    #current() {
      gateway.ready();
      if (this.#instance !== state.instanceId) {
        this.#made = new Made(...this.#arguments);
        this.#instance = state.instanceId;
      }
      return this.#made;
    }

    fetch(request) {
      return this.#current().fetch(request);
    }

    alarm(information) {
      return this.#current().alarm(information);
    }
  };
}
