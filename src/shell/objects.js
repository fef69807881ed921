// Durable Objects, across instances of the module: where one has ended, another takes its place, and objects that were
// made in it are made anew.
import { invoke, isEnd, ready, run } from "./instance.js";

export function lasting(Made) {
  return class {
    #arguments;
    #instance;
    #made;

    constructor(...given) {
      this.#arguments = given;
      invoke(() => this.#current());
    }

    #current() {
      const instance = ready();
      if (this.#instance !== instance) {
        this.#made = new Made(...this.#arguments);
        this.#instance = instance;
      }
      return this.#made;
    }

    // What the object wrote in a turn that did not end must not be stored.
    #run(work) {
      return run(() => work(this.#current())).catch((error) => {
        if (isEnd(error)) this.#arguments.at().abort(error);
        throw error;
      });
    }

    fetch(request) {
      return this.#run((made) => made.fetch(request));
    }

    alarm(information) {
      return this.#run((made) => made.alarm(information));
    }
  };
}
