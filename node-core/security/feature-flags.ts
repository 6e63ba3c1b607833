import { z } from 'zod'
import { labelSchema } from './certificate.ts'

/**
 * What can be switched in all nodes, or in those with a label, without a restart: with the policy, so signed, numbered
 * and kept like it. A flag has a type and a default here, and whoever reads it asks `flagValue`.
 */
export const FEATURE_FLAGS = {
  'automatic-healing': {
    default: true,
    help: 'the node repairs what its playbooks let it repair without asking; false: it asks every time',
  },
  'fast-transit': {
    default: true,
    help: 'between neighbours the node only authenticates what the two ends of a route have encrypted; false: it encrypts that again, and nobody who watches two links can match the bytes',
  },
  'remote-control': {
    default: true,
    help: 'the node can be steered from other nodes, as far as the policy lets them administer it',
  },
} as const satisfies Readonly<Record<string, { readonly default: boolean; readonly help: string }>>

export type FlagName = keyof typeof FEATURE_FLAGS
export const FLAG_NAMES: readonly FlagName[] = ['automatic-healing', 'fast-transit', 'remote-control']

export interface FlagSetting {
  readonly everywhere?: boolean | undefined
  /** The first label that a node has decides, in the order of the document. */
  readonly labels?: Readonly<Record<string, boolean>> | undefined
}
export type FlagSettings = Readonly<Partial<Record<FlagName, FlagSetting | undefined>>>

const settingSchema: z.ZodType<FlagSetting> = z
  .strictObject({
    everywhere: z.boolean().optional(),
    labels: z
      .record(labelSchema, z.boolean())
      .refine((labels) => Object.keys(labels).length <= 32, 'at most 32 labels')
      .optional(),
  })
  .refine((setting) => Object.keys(setting).length > 0, 'say `everywhere`, `labels` or both')

export const flagSettingsSchema: z.ZodType<FlagSettings> = z.partialRecord(
  z.enum(FLAG_NAMES, { error: `no such flag: there are ${FLAG_NAMES.join(', ')}` }),
  settingSchema,
)

/** What a flag is at a node with these labels, and what says so. */
export function flagValue(
  settings: FlagSettings | undefined,
  flag: FlagName,
  labels: readonly string[],
): { readonly value: boolean; readonly because: string } {
  const setting = settings?.[flag]
  const labelled = Object.entries(setting?.labels ?? {}).find(([label]) => labels.includes(label))
  if (labelled !== undefined) return { value: labelled[1], because: `label ${labelled[0]}` }
  if (setting?.everywhere !== undefined) return { value: setting.everywhere, because: 'everywhere' }
  return { value: FEATURE_FLAGS[flag].default, because: 'default' }
}
