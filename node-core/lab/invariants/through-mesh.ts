import { serviceNameSchema } from '../../contract/schemas.ts'
import type { NodeName } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Random } from '../../platform/random.ts'
import type { Lab } from '../lab.ts'
import { until } from '../until.ts'
import { type ProberOptions, type RequestProber, startRequestProber } from './request-prober.ts'
import { type JudgeTarget, startEchoTarget, startTransferTarget } from './targets.ts'
import { checkTransfer, type TransferOptions, type TransferReport } from './transfer.ts'

/** A local port of `from` that leads through the mesh to a target behind `to`, as a person would make it. */
interface MeshWay {
  readonly port: number
  readonly target: JudgeTarget
  /** Takes the forward and the service away again, where their nodes still answer. */
  close(): Promise<void>
}

type Kind = 'echo' | 'transfer'

const KNOWN_MS = 20_000
const POLL_MS = 20

/**
 * `x0t expose` on `to` and `x0t forward` on `from`, and the target behind them in this process.
 *
 * @throws FaultError TIMEOUT when `from` does not hear of the service
 */
async function openMeshWay(lab: Lab, from: NodeName, to: NodeName, kind: Kind): Promise<MeshWay> {
  const target = await (kind === 'echo' ? startEchoTarget() : startTransferTarget())
  const name = serviceNameSchema.parse(`lab-${kind}-${to}`.slice(0, 63).replace(/-+$/, ''))
  const [near, far] = [lab.client(from), lab.client(to)]
  try {
    await far.services.expose({ name, target: target.target, check: null })
    await until(
      async () => {
        const { items } = await near.services.list()
        return items.some((service) => service.name === name && service.state === 'healthy')
      },
      KNOWN_MS,
      `${from} to hear of the service ${name}`,
      POLL_MS,
    )
    const { forward } = await near.forwards.add({ port: 0, service: name, node: to })
    return {
      port: forward.port,
      target,
      async close() {
        await Promise.allSettled([
          near.forwards.remove({ port: forward.port }),
          far.services.unexpose({ name }),
        ])
        await target.close()
      },
    }
  } catch (error) {
    await target.close()
    throw error
  }
}

export interface MeshProbe extends RequestProber {
  /** Connections that the target saw: one, as long as the client's own survives. */
  accepted(): number
  close(): Promise<void>
}

/** A byte-exact stream of requests from one node of a lab to another. */
export async function probeThroughMesh(
  deps: { readonly clock: Clock; readonly random: Random },
  lab: Lab,
  from: NodeName,
  to: NodeName,
  options: Omit<ProberOptions, 'port'> = {},
): Promise<MeshProbe> {
  const way = await openMeshWay(lab, from, to, 'echo')
  const prober = await startRequestProber(deps, { ...options, port: way.port })
  return {
    report: () => prober.report(),
    longestGapMs: (sinceMs) => prober.longestGapMs(sinceMs),
    finish: (limitMs) => prober.finish(limitMs),
    accepted: () => way.target.accepted,
    async close() {
      await prober.finish(0)
      await way.close()
    },
  }
}

/** A bulk transfer from `to` to `from` whose every byte is compared. */
export async function transferThroughMesh(
  deps: { readonly clock: Clock },
  lab: Lab,
  from: NodeName,
  to: NodeName,
  options: Omit<TransferOptions, 'port'>,
): Promise<TransferReport> {
  const way = await openMeshWay(lab, from, to, 'transfer')
  try {
    return await checkTransfer(deps, { ...options, port: way.port })
  } finally {
    await way.close()
  }
}
