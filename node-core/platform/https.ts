/** `node:https` without its ES module facade, for the reason that `http.ts` gives. By itself: only a console over TLS needs it. */
export const https = process.getBuiltinModule('node:https')
