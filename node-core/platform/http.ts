/**
 * `node:http` without its ES module facade. An `import` of it reads all of its exports, and one of them is a getter that
 * loads undici: 45 ms of CPU and some megabytes in each process, for a client that nobody uses.
 */
export const http = process.getBuiltinModule('node:http')
