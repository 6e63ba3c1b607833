import { stringify } from 'yaml'
import { PRODUCT_VERSION } from '../../contract/version.ts'
import type { Caller, NodeApi } from '../../control/node-api.ts'
import type { ConfigStore } from '../config/config-store.ts'
import { diffDocuments } from '../config/diff.ts'
import { type ConfigDocument, DOCUMENT_SCHEMA, readDocument, requireDocument } from '../config/document.ts'
import type { KeystoreExport } from '../config/keystore-export.ts'
import { type ConfigProblem, parseConfig } from '../config/parse-config.ts'
import type { NodeParts } from '../node-parts.ts'

export interface ConfigParts extends Pick<NodeParts, 'clock' | 'facts'> {
  readonly config: ConfigStore
  readonly keystoreExport: KeystoreExport
}

/** The name under which problems of a text are told that came over the contract. */
const FILE = 'import'

export function configOperations({ config, clock, facts, keystoreExport }: ConfigParts): NodeApi['config'] {
  return {
    show: async () => {
      const { base, version, document, fileText } = config.current()
      const read = parseConfig(fileText ?? '', 'x0t.yaml')
      return {
        ...{ base, version, document: plain(document), effective: read.ok ? plain(read.config) : {} },
        problems: read.ok ? [] : read.problems.map(problemView),
      }
    },
    validate: async ({ text }) => {
      const reading = readDocument(text, FILE)
      return {
        ok: reading.ok,
        problems: reading.ok ? [] : reading.problems.map(problemView),
        documentSchema: reading.schema ?? null,
      }
    },
    preview: async ({ text }) => {
      const { document, schema } = requireDocument(text, FILE)
      const { base } = config.current()
      return { base, changes: config.preview(document), notes: notesOn(document, schema) }
    },
    export: async ({ format, passphrase }) => {
      const { document } = config.current()
      const at = new Date(clock.now()).toISOString()
      const whole = {
        schema: DOCUMENT_SCHEMA,
        exported: { at, node: facts.nodeName, version: PRODUCT_VERSION },
        ...document,
        ...(passphrase === null ? {} : { keystore: { sealed: await keystoreExport.sealed(passphrase) } }),
      }
      const text =
        format === 'json' ? `${JSON.stringify(whole, null, 2)}\n` : stringify(whole, { lineWidth: 0 })
      return { fileName: `${facts.nodeName}-${at.slice(0, 10)}.x0t.${format}`, text }
    },
    import: async ({ text, base }, { caller }) => {
      const { document, schema } = requireDocument(text, FILE)
      const applied = await config.apply(document, { base, actor: actorOf(caller), action: 'import' })
      return { ...applied, notes: notesOn(document, schema) }
    },
    history: async () => {
      const { version } = config.current()
      return {
        items: config.versions.list(MAX_LISTED).map((row) => ({ ...row, current: row.version === version })),
      }
    },
    diff: async ({ from, to }) => {
      const now = config.current()
      const target = to ?? now.version
      return { from, to: target, changes: diffDocuments(config.get(from), config.get(target)) }
    },
    rollback: async ({ version, base }, { caller }) => {
      const applied = await config.rollback(version, { base, actor: actorOf(caller) })
      return { ...applied, notes: [] }
    },
  }
}

const MAX_LISTED = 200

function actorOf(caller: Caller): string {
  switch (caller.via) {
    case 'web':
      return caller.session
    case 'mesh':
      return caller.peer
    case 'local-socket':
      return caller.via
  }
}

function notesOn(document: ConfigDocument, schema: number): string[] {
  const notes: string[] = []
  if (schema < DOCUMENT_SCHEMA)
    notes.push('It is an x0t.yaml by itself: services and local ports stay as they are.')
  if (document.keystore !== undefined) {
    notes.push('The sealed keystore in it is left out: this node keeps its own keys.')
  }
  return notes
}

const problemView = ({ line, column, key, message }: ConfigProblem) => ({
  ...{ line: line ?? null, column: column ?? null, key, message },
})

/** As JSON has it: without what is undefined. */
function plain(value: object): Awaited<ReturnType<NodeApi['config']['show']>>['document'] {
  const copy: Awaited<ReturnType<NodeApi['config']['show']>>['document'] = JSON.parse(JSON.stringify(value))
  return copy
}
