import { execFileSync } from 'node:child_process'

/**
 * Bytes that each end of the TCP connections of these ports has sent since they were made, as the kernel counts them
 * (`ss` of iproute2). Each connection on loopback has both its ends here, so the sum is what went both ways.
 * Undefined where there is no `ss`.
 */
export function bytesSentOf(ports: ReadonlySet<number>): number | undefined {
  let listing: string
  try {
    listing = execFileSync('ss', ['-tinOH'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  } catch {
    return undefined
  }
  return listing
    .split('\n')
    .filter((line) => [...line.matchAll(/127\.0\.0\.1:(\d+)/g)].some(([, port]) => ports.has(Number(port))))
    .reduce((sum, line) => sum + Number(/bytes_sent:(\d+)/.exec(line)?.[1] ?? 0), 0)
}
