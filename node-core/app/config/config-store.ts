import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ConfigChange } from '../../contract/config-schemas.ts'
import type {
  ConfigVersionRepository,
  StoredConfigVersion,
} from '../../knowledge/repositories/config-versions.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import { diffDocuments } from './diff.ts'
import { type ConfigDocument, readDocument } from './document.ts'
import { editSettings } from './edit-settings.ts'
import { replaceFile } from './write-file.ts'

export type ConfigStoreFault =
  | { code: 'CONFIG_CHANGED' }
  | { code: 'UNKNOWN_CONFIG_VERSION'; version: number }
  | { code: 'CONFIG_BUSY' }
  | { code: 'CONFIG_NOT_APPLIED' }

/** What is configured besides the settings file: the services and the local ports of this node. */
export interface ConfiguredParts {
  read(): Pick<Required<ConfigDocument>, 'services' | 'forwards' | 'socks'>
  /** Makes one difference true, or throws with nothing changed. `after` of null takes the entry away. */
  apply(change: ConfigChange): Promise<void>
}

export interface ConfigState {
  readonly document: ConfigDocument
  readonly fileText: string | null
  /** Of all of it. */
  readonly base: string
}

export interface ConfigStore {
  /** What is configured now; a state that was not seen before becomes a version. */
  current(): ConfigState & { readonly version: number }
  preview(after: ConfigDocument): ConfigChange[]
  /** All of it, or nothing. @throws FaultError CONFIG_CHANGED, CONFIG_BUSY, CONFIG_NOT_APPLIED */
  apply(after: ConfigDocument, options: ApplyOptions): Promise<{ version: number; changes: ConfigChange[] }>
  /** @throws FaultError UNKNOWN_CONFIG_VERSION */
  get(version: number): ConfigDocument
  rollback(version: number, options: Omit<ApplyOptions, 'action'>): ReturnType<ConfigStore['apply']>
  versions: Pick<ConfigVersionRepository, 'list'>
}

export interface ApplyOptions {
  /** The state that whoever asks has seen; another one is refused. */
  readonly base: string
  readonly actor: string
  readonly action: string
}

export interface ConfigStoreDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly versions: ConfigVersionRepository
  readonly parts: ConfiguredParts
}

export interface ConfigStoreOptions {
  /** Of `x0t.yaml`. */
  readonly path: string
}

export function createConfigStore(
  { clock, logger, versions, parts }: ConfigStoreDeps,
  { path }: ConfigStoreOptions,
): ConfigStore {
  let applying = false

  function read(): ConfigState {
    const fileText = readText(path)
    const reading = readDocument(fileText ?? '', path)
    // A file that is wrong right now has no settings to compare; its text is kept all the same.
    const settings = reading.ok ? (reading.document.settings ?? {}) : {}
    const document = { settings, ...parts.read() }
    return { document, fileText, base: digest(document, fileText) }
  }

  function current(): ConfigState & { version: number } {
    const state = read()
    const latest = versions.latest()
    if (latest !== undefined && baseOf(latest) === state.base) return { ...state, version: latest.version }
    return { ...state, version: record(state, 'outside', 'seen', 'applied') }
  }

  const record = (
    { document, fileText }: Omit<ConfigState, 'base'>,
    actor: string,
    action: string,
    state: 'applying' | 'applied',
  ): number =>
    versions.append({ at: clock.now(), actor, action, document: JSON.stringify(document), fileText }, state)

  async function applyState(
    target: Omit<ConfigState, 'base'>,
    { base, actor, action }: ApplyOptions,
  ): Promise<{ version: number; changes: ConfigChange[] }> {
    if (applying)
      throw fault('CONFIG_BUSY', 'another change of the configuration is being made', 'Try again.')
    applying = true
    try {
      const before = current()
      if (before.base !== base) {
        throw fault(
          'CONFIG_CHANGED',
          'the configuration has changed since the difference was shown',
          'Look at the difference again. Nothing was changed.',
        )
      }
      const changes = diffDocuments(before.document, target.document)
      if (changes.length === 0 && target.fileText === before.fileText)
        return { version: before.version, changes }
      const version = record(target, actor, action, 'applying')
      try {
        await make(changes, before, target.fileText)
      } catch (error) {
        versions.settle(version, 'undone')
        throw error
      }
      // As it is now, which may be written another way than it was wanted.
      versions.settle(version, { document: JSON.stringify(read().document) })
      logger.info('the configuration was changed', {
        version,
        actor,
        action,
        paths: changes.map((each) => each.path),
      })
      return { version, changes }
    } finally {
      applying = false
    }
  }

  /** Services first: they can fail. The file last: writing it is one step. */
  async function make(
    changes: readonly ConfigChange[],
    before: ConfigState,
    fileText: string | null,
  ): Promise<void> {
    const done: ConfigChange[] = []
    try {
      for (const change of changes) {
        if (change.path.startsWith('settings.')) continue
        await parts.apply(change)
        done.push(change)
      }
      if (fileText !== before.fileText) replaceFile(path, fileText)
    } catch (error) {
      for (const { path: at, before: was, after } of done.toReversed()) {
        await parts
          .apply({ path: at, before: after, after: was, restart: false })
          .catch((cause: unknown) =>
            logger.error('a change could not be undone', { path: at, reason: messageOf(cause) }),
          )
      }
      throw fault('CONFIG_NOT_APPLIED', `nothing was changed: ${messageOf(error)}`, hintOf(error), error)
    }
  }

  function stored(version: number): StoredConfigVersion {
    const row = versions.get(version)
    if (row !== undefined) return row
    throw new FaultError<ConfigStoreFault>(
      { code: 'UNKNOWN_CONFIG_VERSION', version },
      `there is no version ${version} of the configuration`,
      { hint: 'x0t config history lists them.' },
    )
  }

  return {
    current,
    preview: (after) => diffDocuments(current().document, after),
    async apply(after, options) {
      const { document, fileText } = current()
      const settings = after.settings ?? document.settings ?? {}
      const text =
        after.settings === undefined
          ? fileText
          : editSettings(fileText ?? '', document.settings ?? {}, settings)
      const { keystore: _keystore, ...rest } = after
      const target = { ...document, ...defined(rest) }
      return applyState(
        { document: target, fileText: text === '' && fileText === null ? null : text },
        options,
      )
    },
    get: (version) => documentOf(stored(version)),
    rollback(version, options) {
      const row = stored(version)
      const target = { document: documentOf(row), fileText: row.fileText }
      return applyState(target, { ...options, action: `rollback to ${version}` })
    },
    versions,
  }
}

/**
 * To be called before the node starts: of a change that a crash cut in the middle, the settings file is put back. What
 * it returns is for `recoverParts`.
 */
export function recoverSettingsFile(
  versions: ConfigVersionRepository,
  path: string,
): ConfigDocument | undefined {
  const broken = versions.unsettled()
  if (broken === undefined) return undefined
  const before = versions.latest()
  // The file last: until then, a second crash finds the same as this one.
  if (before !== undefined && readText(path) !== before.fileText) replaceFile(path, before.fileText)
  versions.settle(broken.version, 'undone')
  return before === undefined ? undefined : documentOf(before)
}

/** Puts the services and ports right of which an interrupted change had made some already. */
export function recoverParts(
  logger: Logger,
  parts: ConfiguredParts,
  wanted: ConfigDocument | undefined,
): Lifecycle {
  return {
    async start() {
      if (wanted === undefined) return
      logger.warn('a change of the configuration was cut off and is taken back')
      for (const change of diffDocuments(parts.read(), { ...wanted, settings: undefined })) {
        await parts
          .apply(change)
          .catch((error: unknown) =>
            logger.error('a change could not be taken back', { path: change.path, reason: messageOf(error) }),
          )
      }
    },
    async stop() {},
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** It was written by `record`. */
const documentOf = ({ document }: StoredConfigVersion): ConfigDocument => {
  const parsed: ConfigDocument = JSON.parse(document)
  return parsed
}

const baseOf = (row: StoredConfigVersion): string => digest(documentOf(row), row.fileText)

/** Over a form that does not depend on the order in which things are listed. */
function digest(document: ConfigDocument, fileText: string | null): string {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((item) => JSON.stringify(sorted(item))).sort()
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, inner]) => [key, sorted(inner)]),
    )
  }
  return createHash('sha256')
    .update(JSON.stringify([sorted(document), fileText]))
    .digest('hex')
}

const defined = (document: ConfigDocument): ConfigDocument =>
  Object.fromEntries(Object.entries(document).filter(([, value]) => value !== undefined))

function hintOf(error: unknown): string {
  return error instanceof FaultError && error.hint !== undefined ? error.hint : 'See the log of the node.'
}

function fault(
  code: 'CONFIG_CHANGED' | 'CONFIG_BUSY' | 'CONFIG_NOT_APPLIED',
  message: string,
  hint: string,
  cause?: unknown,
): FaultError<ConfigStoreFault> {
  return new FaultError<ConfigStoreFault>({ code }, message, { hint, cause })
}
