import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'

export interface Fetched {
  /** Exit code of curl: 0 done, 7 refused, 18 partial, 52 empty reply, 56 reset. */
  readonly code: number | null
  readonly sha256: string
  readonly sizeBytes: number
  readonly stderr: string
}

/** Fetches with the real curl: a client that knows nothing of the mesh. @param onBytes told of what has come so far */
export async function curl(
  url: string,
  args: readonly string[] = [],
  onBytes: (sizeBytes: number) => void = () => {},
): Promise<Fetched> {
  const child = spawn('curl', ['--silent', '--show-error', '--max-time', '30', ...args, url])
  const hash = createHash('sha256')
  let sizeBytes = 0
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    sizeBytes += chunk.length
    onBytes(sizeBytes)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, sha256: hash.digest('hex'), sizeBytes, stderr }
}
