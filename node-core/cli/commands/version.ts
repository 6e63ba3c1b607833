import { PRODUCT_VERSION } from '../../contract/version.ts'
import { hasCode } from '../../platform/error.ts'
import { defineCommand, noInput } from '../command.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { EXIT } from '../fault.ts'
import { formatFromNow } from '../output/time.ts'

async function runningNode(context: CliContext) {
  try {
    const { schema: _schema, ...node } = await context.connect(context.timeoutMs ?? CALL_MS).node.version()
    return node
  } catch (error) {
    if (hasCode(error, 'NODE_NOT_RUNNING')) return null
    throw error
  }
}

export const versionCommand = defineCommand({
  name: 'version',
  summary: 'show the version of this program and of the running node',
  examples: ['x0t version --json'],
  input: noInput,
  async run(context) {
    const node = await runningNode(context)
    const runtime = process.versions.node
    context.output.data({ version: PRODUCT_VERSION, runtime, node }, () => {
      const own = `x0t ${PRODUCT_VERSION} (Node.js ${runtime})`
      if (node === null) return `${own}\nnode not running`
      const since = formatFromNow(node.startedAt, context.now())
      return `${own}\nnode ${node.version} (Node.js ${node.runtime}, pid ${node.pid}, started ${since})`
    })
    if (node !== null && node.version !== PRODUCT_VERSION) {
      context.output.note('The running node has another version: x0t down and x0t up bring it to this one.')
    }
    return EXIT.done
  },
})
