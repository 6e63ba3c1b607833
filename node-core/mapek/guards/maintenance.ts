/** A time of the week in which repairs that can wait may run. UTC. */
export interface MaintenanceWindow {
  /** 0 is Sunday; empty: every day. */
  readonly days: readonly number[]
  /** Minutes since midnight. An end before the start is on the next day. */
  readonly fromMin: number
  readonly toMin: number
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const TEXT =
  /^(?:((?:sun|mon|tue|wed|thu|fri|sat)(?:,(?:sun|mon|tue|wed|thu|fri|sat))*) )?(\d\d):(\d\d)-(\d\d):(\d\d)$/
const DAY_MIN = 24 * 60

/** Reads `02:00-04:00` and `sat,sun 22:00-02:00`, in UTC. */
export function parseMaintenance(raw: string): MaintenanceWindow | undefined {
  const [, days, ...times] = TEXT.exec(raw.trim().toLowerCase()) ?? []
  const [fromHour = 99, fromMinute = 99, toHour = 99, toMinute = 99] = times.map(Number)
  if (fromHour > 23 || toHour > 23 || fromMinute > 59 || toMinute > 59) return undefined
  return {
    days: days === undefined ? [] : days.split(',').map((day) => DAYS.indexOf(day)),
    fromMin: fromHour * 60 + fromMinute,
    toMin: toHour * 60 + toMinute,
  }
}

export function isWithin({ days, fromMin, toMin }: MaintenanceWindow, at: number): boolean {
  const date = new Date(at)
  const minute = date.getUTCHours() * 60 + date.getUTCMinutes()
  const isOn = (day: number): boolean => days.length === 0 || days.includes((day + 7) % 7)
  const today = date.getUTCDay()
  const lengthMin = (toMin - fromMin + DAY_MIN) % DAY_MIN || DAY_MIN
  if (minute >= fromMin && minute < fromMin + lengthMin) return isOn(today)
  // What began yesterday may go on past midnight.
  return minute + DAY_MIN < fromMin + lengthMin && isOn(today - 1)
}
