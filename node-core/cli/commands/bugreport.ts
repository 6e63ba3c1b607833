import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { z } from 'zod'
import { messageOf } from '../../platform/error.ts'
import { collectReport, type ReportFile } from '../bugreport/collect.ts'
import { defineCommand, flag } from '../command.ts'
import { cliFault, EXIT } from '../fault.ts'
import { renderTable } from '../output/table.ts'

const FOLDER = 'x0t-bugreport'

const readme = (files: readonly ReportFile[], isAnonymous: boolean): string =>
  [
    'A report of x0t on one machine. It holds no key, token or passphrase.',
    isAnonymous
      ? 'Names, addresses and ids are replaced, the same by the same everywhere. Look through it all the same before you give it away.'
      : 'Names, addresses and ids of the mesh are in it: give it to nobody who should not know them.',
    '',
    ...files.map(({ name, about }) => `${name}: ${about}`),
    '',
  ].join('\n')

export const bugreportCommand = defineCommand({
  name: 'bugreport',
  summary: 'write what helps to find a defect into one file, without names and addresses',
  arguments: [{ flags: '[file]', help: 'where to write it, a .tar.gz; nothing is overwritten' }],
  options: [{ flags: '--with-names', help: 'leave names, addresses and ids in it' }],
  examples: ['x0t bugreport', 'x0t bugreport /tmp/report.tar.gz --with-names'],
  input: z.object({ file: z.string().min(1).optional(), withNames: flag }),
  async run(context, { file: given, withNames }) {
    const stamp = new Date(context.now()).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
    const file = resolve(given ?? `${FOLDER}-${stamp}.tar.gz`)
    const files = await collectReport(context, !withNames)
    const { createTar } = await import('nanotar')
    const all = [{ name: 'README.txt', about: '', text: readme(files, !withNames) }, ...files]
    const mtime = context.now()
    const tar = createTar(
      all.map(({ name, text }) => ({ name: `${FOLDER}/${name}`, data: text, attrs: { mode: '644', mtime } })),
    )
    const bytes = gzipSync(tar)
    await writeFile(file, bytes, { mode: 0o600, flag: 'wx' }).catch((cause: unknown) => {
      throw cliFault({ code: 'FILE_UNWRITABLE' }, `${file} cannot be written: ${messageOf(cause)}`, {
        cause,
        hint: 'Name a file that does not exist yet, on a disk with room.',
      })
    })
    const items = files.map(({ name, about, text }) => ({ name, about, sizeBytes: Buffer.byteLength(text) }))
    context.output.data({ file, sizeBytes: bytes.length, anonymised: !withNames, items }, () => {
      const rows = items.map(({ name, about, sizeBytes }) => [
        name,
        `${Math.ceil(sizeBytes / 1024)} KB`,
        about,
      ])
      return `${renderTable(context.output.paint, ['FILE', 'SIZE', 'WHAT'], rows)}\n\nAll of it is in ${file}.`
    })
    context.output.note(
      withNames
        ? 'Names, addresses and ids are in it.'
        : 'Names, addresses and ids are replaced. Look through it before you give it away.',
    )
    return EXIT.done
  },
})
