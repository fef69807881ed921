// The limit: a Worker that only forwards. Refuses nobody.

import { forward } from "./forward.mjs";

export default { fetch: forward };
