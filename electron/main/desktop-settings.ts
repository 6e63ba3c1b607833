import { z } from 'zod'
import { noticeChoiceSchema } from '../tray/notices.ts'

/** What a person chose for this app on this machine. */
export const desktopSettingsSchema = z.object({
  notices: noticeChoiceSchema.default(noticeChoiceSchema.parse({})),
  startAtLogin: z.boolean().default(false),
})
export type DesktopSettings = z.infer<typeof desktopSettingsSchema>
