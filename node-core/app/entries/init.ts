import { z } from 'zod'
import { systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { systemRandom } from '../../platform/random.ts'
import { requireConfig } from '../config/require-config.ts'
import { initMesh } from '../init-mesh.ts'
import { openHomeToBegin } from '../open-home.ts'
import { nodeNameOption, printLine, runEntry } from './entry-io.ts'

const optionsSchema = z.strictObject({
  home: z.string().min(1),
  mesh: z.string().min(1).max(63),
  name: nodeNameOption,
  keystore: z.strictObject({ kind: z.enum(['passphrase', 'keyfile']) }),
})

const deps = { clock: systemClock, random: systemRandom, logger: silentLogger }

await runEntry(optionsSchema, async ({ home: root, mesh, name }, { passphrase }) => {
  const home = await openHomeToBegin(deps, root)
  try {
    const { certificates } = requireConfig(home.paths.config)
    const options = { mesh, name, passphrase, certificateLifeMs: certificates.lifetimeMs }
    const founded = await initMesh(deps, home, options)
    await printLine({ ok: true, ...founded, fingerprint: founded.meshId, name, home: home.paths.root })
  } finally {
    home.close()
  }
})
