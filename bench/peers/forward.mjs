// The way to the origin that all peers share: the request as it came, to the same path. Checks nothing.

/** `request.url` is absolute: the path begins at the first slash after the host. */
export function forward(request, env) {
  const path = request.url.slice(request.url.indexOf("/", 8));
  return fetch(env.ORIGIN_URL + path, request);
}

export const refused = () =>
  new Response(null, { status: 401, headers: { "www-authenticate": "Bearer" } });

/** The credential of the request, or an empty string. */
export function bearer(request) {
  const header = request.headers.get("authorization") ?? "";
  return header.startsWith("Bearer ") ? header.slice(7) : "";
}
